-- The writer adds what a commit changes of these counts as one sum; the triggers for what is removed stay.
DROP TRIGGER run_counts_made;
DROP TRIGGER run_counts_moved;
DROP TRIGGER storage_output_made;
DROP TRIGGER storage_output_moved;
