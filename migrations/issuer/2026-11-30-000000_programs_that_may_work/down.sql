ALTER TABLE meta DROP COLUMN works_from;
