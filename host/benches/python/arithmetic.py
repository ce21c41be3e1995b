def transform(_input):
    total = 0
    for i in range(1000000):
        total = (total + i * i) % 1000003
    n = 27
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    x = 0.0
    for i in range(500000):
        x = x * 0.999 + i / 3
    return [total, steps, round(x, 6)]
