def transform(_input):
    state = 12345
    rows = []
    for i in range(50000):
        state = (state * 1103515245 + 12345) % 2147483648
        rows.append({"id": i, "score": state % 1000, "name": "n" + str(state % 777)})
    rows.sort(key=lambda row: (row["score"], row["name"]))
    top = sorted(rows, key=lambda row: row["name"], reverse=True)
    return [rows[0]["id"], rows[-1]["id"], top[0]["id"]]
