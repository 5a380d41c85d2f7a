-- What is looked up whatever its case: names that differ by it alone, and domains, are taken.
CREATE INDEX projects_name_nocase ON projects (name COLLATE NOCASE);
CREATE INDEX stacks_name_nocase ON stacks (name COLLATE NOCASE);
CREATE INDEX static_sites_name_nocase ON static_sites (name COLLATE NOCASE);
CREATE INDEX stages_name_nocase ON stages (project_id, name COLLATE NOCASE);
CREATE INDEX static_sites_domain_nocase ON static_sites (domain COLLATE NOCASE);
