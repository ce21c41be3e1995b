def transform(_input):
    words = ("the quick brown fox jumps over the lazy dog and the cat " * 20000).split()
    counts = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    by_length = {}
    for word in words:
        by_length.setdefault(len(word), []).append(word)
    return [counts, sorted((k, len(v)) for k, v in by_length.items())]
