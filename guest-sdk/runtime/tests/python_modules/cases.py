"""Reads cases (`program` or `program => answer`) and writes them with CPython's answers.

A program is statements with `; ` between them; the last is an expression, whose repr (or exception) is the answer.
"""
import bisect, collections, copy, dataclasses, datetime, decimal, enum, fractions, functools, heapq, itertools, operator, statistics
import sys, time, types, typing


def klass(name, bases, namespace):
    """What a `class` statement does."""
    namespace = {"__module__": "__main__", **namespace}
    return types.new_class(name, bases, exec_body=lambda body: [body.__setitem__(*item) for item in namespace.items()])


for line in sys.stdin:
    program = line.rstrip("\n").split(" => ")[0]
    if not program.strip() or program.startswith("#"):
        print(program)
        continue
    scope = dict(globals())
    *before, last = program.split("; ")
    try:
        for statement in before:
            exec(statement, scope)
        answer = repr(eval(last, scope))
    except BaseException as error:
        text = str(error)
        name = type(error).__name__
        answer = name + (": " + text if text else "")
    print(program, "=>", answer)
