-- Which programs may work on these tables: those that know this migration, whatever later ones were made beside it. A migration that takes
-- away what programs use that do not know it writes its own version here; all others leave it as it is.
ALTER TABLE meta ADD COLUMN works_from TEXT NOT NULL DEFAULT '20261130000000';
