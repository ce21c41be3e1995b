def transform(_input):
    table = [[row * column for column in range(300)] for row in range(300)]
    flat = [cell for row in table for cell in row if cell % 3 == 0]
    lookup = {cell: len(str(cell)) for cell in flat}
    pairs = {(a % 7, b % 5) for a in range(300) for b in range(100)}
    return [len(flat), sum(lookup.values()), len(pairs), sum(x * 2 for x in flat)]
