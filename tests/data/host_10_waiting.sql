BEGIN TRANSACTION;
CREATE TABLE executions (
    id TEXT PRIMARY KEY,
    target TEXT NOT NULL,
    kickoff TEXT NOT NULL,       -- JSON: inputs, meta, human_input
    task_url TEXT, step_url TEXT, crew_url TEXT,  -- NULL from a pause to its answer
    state TEXT NOT NULL,
    tasks TEXT NOT NULL DEFAULT '[]',
    result TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '',
    created_at REAL NOT NULL,
    ended_at REAL
);
INSERT INTO "executions" VALUES('c13ec78f-77c9-44dc-ac52-78f46be43767','crew','{"inputs": {"topic": "tea"}, "meta": null, "human_input": {"url": "http://127.0.0.1:36371/human-input", "authorization": ""}}',NULL,NULL,NULL,'paused','[{"id": "draft-id", "name": "draft", "key": "draft"}, {"id": "report-id", "name": "report", "key": "report"}]','','',1.79605875731838369e+09,NULL);
INSERT INTO "executions" VALUES('2e52f92c-56f6-4bd1-b190-2d46f04c1bba','crew','{"inputs": {"topic": "milk"}, "meta": null, "human_input": {"url": "http://127.0.0.1:36371/human-input", "authorization": ""}}',NULL,NULL,NULL,'paused','[{"id": "draft-id", "name": "draft", "key": "draft"}, {"id": "report-id", "name": "report", "key": "report"}]','','',1.79605875748694324e+09,NULL);
INSERT INTO "executions" VALUES('44eb9ad0-81b4-49aa-8faf-a7cade8ef65e','flow','{"inputs": {}, "meta": null, "human_input": null}',NULL,NULL,NULL,'paused','[]','','',1.79605875773022198e+09,NULL);
INSERT INTO "executions" VALUES('e1ce86e5-d1fb-4efd-9530-2cea1a9c883e','pupil','{"inputs": {}, "meta": null, "human_input": null}',NULL,NULL,NULL,'completed','[]','Cite it.','',1.79605875777341365e+09,1.7960587578471961e+09);
INSERT INTO "executions" VALUES('lesson-73b3661154944c4b763538191cc33d3d','pupil','{"inputs": {"lesson": "Cite it.", "source": "hitl", "method": "review_0", "flow_class": "demo.Flow", "metadata": {}, "feedback": "Cite it."}, "meta": null, "human_input": null}',NULL,NULL,NULL,'completed','[]','Keep','',1.79605875784068202e+09,1.79605875815697622e+09);
INSERT INTO "executions" VALUES('88d7f5e0-bc3f-4946-80f6-d6a7804d2983','pupil','{"inputs": {}, "meta": null, "human_input": null}',NULL,NULL,NULL,'completed','[]','Be brief.','',1.79605875788444471e+09,1.79605875791776466e+09);
INSERT INTO "executions" VALUES('lesson-7efe83a0c4760fd74152530482f836ce','pupil','{"inputs": {"lesson": "Be brief.", "source": "hitl", "method": "review_0", "flow_class": "demo.Flow", "metadata": {}, "feedback": "Be brief."}, "meta": null, "human_input": null}',NULL,NULL,NULL,'paused','[]','','',1.79605875791242456e+09,NULL);
INSERT INTO "executions" VALUES('f9a88add-72a1-42e0-a5a4-d7b158b7669b','pupil','{"inputs": {}, "meta": null, "human_input": null}',NULL,NULL,NULL,'completed','[]','Drop me.','',1.79605875792908978e+09,1.79605875806018185e+09);
INSERT INTO "executions" VALUES('lesson-a9f4b132a0f7fcc44e65f9d3d492abad','pupil','{"inputs": {"lesson": "Drop me.", "source": "hitl", "method": "review_0", "flow_class": "demo.Flow", "metadata": {}, "feedback": "Drop me."}, "meta": null, "human_input": null}',NULL,NULL,NULL,'completed','[]','Drop','',1.79605875805008339e+09,1.79605875816361975e+09);
CREATE TABLE finished (
    execution_id TEXT NOT NULL REFERENCES executions (id),
    position INTEGER NOT NULL,
    output TEXT NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (execution_id, position)
);
INSERT INTO "finished" VALUES('2e52f92c-56f6-4bd1-b190-2d46f04c1bba',0,'{"description": "draft", "expected_output": "draft", "summary": "draft", "name": "draft", "raw": "draft 1 on milk", "agent": "Writer", "json": null}',0.5);
CREATE TABLE questions (
    id TEXT PRIMARY KEY,
    execution_id TEXT NOT NULL REFERENCES executions (id),
    method TEXT NOT NULL,
    emit TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    pending TEXT NOT NULL,
    feedback TEXT,               -- NULL while nobody has answered
    source TEXT NOT NULL DEFAULT '',
    asked_at REAL NOT NULL,
    place TEXT, expires_at REAL, -- of `Flow.ask()` alone
    answered_at REAL,
    carried_out INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "questions" VALUES('b59e96a2-e68e-4293-ac62-a7461e593180','44eb9ad0-81b4-49aa-8faf-a7cade8ef65e','review_0','["approved", "rejected"]','242589a649e43b1169d9b44d50c13aa8b16ddab8a0525f940bf710a18ce6cbff','{"state": {"answers": []}}',NULL,'',1.79605875773582673e+09,NULL,NULL,NULL,0);
INSERT INTO "questions" VALUES('c2a587e7-8fd3-445c-b5bc-1d6b741a1b3d','e1ce86e5-d1fb-4efd-9530-2cea1a9c883e','review_0','["approved", "rejected"]','276ce5c710a7dbc0a40e22ec837acc2c5c5131f449072a855f13df12c65fc8c2','{}','Cite it.','',1.79605875779074907e+09,NULL,NULL,1.79605875783790135e+09,1);
INSERT INTO "questions" VALUES('d677c423-53b8-4af0-a9da-60e41b952504','lesson-73b3661154944c4b763538191cc33d3d','review_0','["Keep", "Drop"]','7683cab2272daefd82e274b464ad29dd4485af2ff916c902efbb1eb7066c8f34','{}','Keep','',1.79605875786680126e+09,NULL,NULL,1.79605875815549778e+09,1);
INSERT INTO "questions" VALUES('8b30431a-2145-46c1-a154-1508b5134989','88d7f5e0-bc3f-4946-80f6-d6a7804d2983','review_0','["approved", "rejected"]','e4c7e635394f9c2cd10754abb1cc705181dba12a372c4536e0bb58ceff170484','{}','Be brief.','',1.79605875788660454e+09,NULL,NULL,1.79605875791125893e+09,1);
INSERT INTO "questions" VALUES('2d7e1b3d-d458-47ec-a35c-68fdce8e0b6f','lesson-7efe83a0c4760fd74152530482f836ce','review_0','["Keep", "Drop"]','12ba94b5ed03d92720fa07ddd144b6e577afc874c7294c625e9bf33772ab0397','{}',NULL,'',1.79605875792320775e+09,NULL,NULL,NULL,0);
INSERT INTO "questions" VALUES('945e493b-6629-4db2-a16e-6e38c53f8c51','f9a88add-72a1-42e0-a5a4-d7b158b7669b','review_0','["approved", "rejected"]','445f8943549c08bc6f84ce20f5fdfd408a23a4b1689e1606f1e8606e19777d74','{}','Drop me.','',1.79605875793213224e+09,NULL,NULL,1796058758.03247,1);
INSERT INTO "questions" VALUES('058227e8-a782-4b57-8950-e23478178b07','lesson-a9f4b132a0f7fcc44e65f9d3d492abad','review_0','["Keep", "Drop"]','1271f0ca4cc404364226e74f55ca85574b53f967458d79d8bc68ea53197d3d92','{}','Drop','',1.79605875806256055e+09,NULL,NULL,1.79605875816133856e+09,1);
CREATE TABLE rounds (
    execution_id TEXT NOT NULL REFERENCES executions (id),
    task_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    output TEXT NOT NULL,
    asker TEXT,                  -- within a task: that task, empty for none
    place TEXT NOT NULL,         -- the agent in it
    notification TEXT NOT NULL,  -- of what waits within a task
    approve INTEGER,             -- NULL while nobody has decided
    feedback TEXT,
    edited TEXT,                 -- NULL: the decision is about the output
    decision_key TEXT,           -- as its sender gave it
    spent INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (execution_id, task_id, number)
);
INSERT INTO "rounds" VALUES('c13ec78f-77c9-44dc-ac52-78f46be43767','draft-id',1,'draft 1 on tea',NULL,'','{}',NULL,NULL,NULL,NULL,0);
INSERT INTO "rounds" VALUES('2e52f92c-56f6-4bd1-b190-2d46f04c1bba','draft-id',1,'draft 1 on milk',NULL,'','{}',1,'Good.',NULL,NULL,0);
INSERT INTO "rounds" VALUES('2e52f92c-56f6-4bd1-b190-2d46f04c1bba','report-id',1,'report 1 on milk',NULL,'','{}',NULL,NULL,NULL,NULL,0);
CREATE TABLE secret_key (canary TEXT NOT NULL);
CREATE TABLE webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    execution_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    url TEXT NOT NULL,
    headers TEXT NOT NULL,
    body TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL
);
CREATE INDEX executions_open ON executions (created_at) WHERE ended_at IS NULL;
CREATE INDEX questions_of ON questions (execution_id, asked_at);
CREATE INDEX webhooks_due ON webhooks (due_at);
CREATE INDEX webhooks_about ON webhooks (execution_id, about);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('webhooks',10);
COMMIT;
PRAGMA user_version = 10;
