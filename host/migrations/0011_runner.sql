-- Which process drives the runs: each that begins to takes the next term, and one that finds another term than its own has lost them.
CREATE TABLE runner (
  one  INTEGER PRIMARY KEY CHECK (one = 1),
  term INTEGER NOT NULL
) STRICT;
