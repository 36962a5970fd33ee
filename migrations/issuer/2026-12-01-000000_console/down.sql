DROP TABLE servers;
DROP TABLE one_time_links;
DROP TABLE console_sessions;
