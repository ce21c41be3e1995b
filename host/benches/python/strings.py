def transform(_input):
    text = ""
    for i in range(100000):
        text += "item " + str(i) + ", "
    words = text.split(", ")
    return [len(text), len(words), "-".join(words[:5]).upper(), text.count("99"), text[-20:].strip()]
