CREATE TABLE absences (
	user_id TEXT NOT NULL,
	user_name TEXT NOT NULL,
	delegate_id TEXT NOT NULL,
	delegate_name TEXT NOT NULL,
	since BIGINT NOT NULL,
	until BIGINT NOT NULL,
	CONSTRAINT pk_absences PRIMARY KEY (user_id)
);
CREATE INDEX ix_absences_delegate_id ON absences (delegate_id);
CREATE INDEX ix_absences_until ON absences (until);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE audit_entries (
	id BIGSERIAL NOT NULL,
	at BIGINT NOT NULL,
	crew TEXT COLLATE "C" NOT NULL,
	execution_id TEXT COLLATE "C" NOT NULL,
	body BYTEA NOT NULL,
	number BIGINT,
	previous BYTEA,
	hash BYTEA,
	CONSTRAINT pk_audit_entries PRIMARY KEY (id)
);
CREATE INDEX ix_audit_entries_execution_id_id ON audit_entries (execution_id, id);
CREATE INDEX ix_audit_entries_unlinked ON audit_entries (id) WHERE (number IS NULL);
CREATE UNIQUE INDEX uq_audit_entries_number ON audit_entries (number) WHERE (number IS NOT NULL);
CREATE UNIQUE INDEX uq_audit_entries_previous ON audit_entries (previous) WHERE (number IS NOT NULL);
CREATE TABLE audit_heads (
	number BIGINT NOT NULL,
	hash BYTEA NOT NULL,
	at BIGINT NOT NULL,
	key TEXT NOT NULL,
	signature TEXT NOT NULL,
	CONSTRAINT pk_audit_heads PRIMARY KEY (number)
);
CREATE TABLE budgets (
	name TEXT NOT NULL,
	paid_until BIGINT NOT NULL,
	CONSTRAINT pk_budgets PRIMARY KEY (name)
);
CREATE TABLE dead_letters (
	id TEXT NOT NULL,
	crew TEXT NOT NULL,
	received_at BIGINT NOT NULL,
	reason TEXT NOT NULL,
	body BYTEA NOT NULL,
	report_channel TEXT,
	report_ts TEXT,
	dismissed_by TEXT,
	dismissed_by_name TEXT,
	dismissed_why TEXT,
	dismissed_at BIGINT,
	removed_at BIGINT,
	CONSTRAINT pk_dead_letters PRIMARY KEY (id)
);
CREATE INDEX ix_dead_letters_crew_received_at_report_ts_dismissed_at ON dead_letters (crew, received_at, report_ts, dismissed_at);
CREATE INDEX ix_dead_letters_kept ON dead_letters (crew, received_at) WHERE (removed_at IS NULL);
CREATE TABLE email_owners (
	address TEXT NOT NULL,
	user_id TEXT NOT NULL,
	moved_to TEXT,
	CONSTRAINT pk_email_owners PRIMARY KEY (address)
);
CREATE TABLE executions (
	crew TEXT COLLATE "C" NOT NULL,
	execution_id TEXT COLLATE "C" NOT NULL,
	tracked BOOLEAN NOT NULL,
	state TEXT NOT NULL,
	began_at BIGINT NOT NULL,
	ended_at BIGINT,
	activity_count INTEGER NOT NULL,
	channel TEXT,
	thread_ts TEXT,
	progress_channel TEXT,
	progress_ts TEXT,
	starter TEXT,
	starter_name TEXT,
	completed_tasks INTEGER NOT NULL,
	total_tasks INTEGER,
	tokens BIGINT,
	result_format TEXT,
	current_task TEXT,
	step TEXT NOT NULL,
	inputs JSON NOT NULL,
	error TEXT NOT NULL,
	result TEXT,
	asked_at BIGINT,
	not_found_since BIGINT,
	not_found_count INTEGER,
	stuck_in_doubt BOOLEAN,
	subject TEXT,
	meta JSON,
	is_flow BOOLEAN,
	named JSON,
	removed_at BIGINT,
	also_started JSON,
	asked_activity INTEGER,
	CONSTRAINT pk_executions PRIMARY KEY (crew, execution_id)
);
CREATE INDEX ix_executions_channel_thread_ts ON executions (channel, thread_ts);
CREATE INDEX ix_executions_crew_tracked_state_began_at ON executions (crew, tracked, state, began_at);
CREATE INDEX ix_executions_execution_id ON executions (execution_id);
CREATE INDEX ix_executions_kept ON executions (crew, ended_at, execution_id) WHERE ((ended_at IS NOT NULL) AND (removed_at IS NULL));
CREATE TABLE forwarded_webhooks (
	id TEXT NOT NULL,
	crew TEXT NOT NULL,
	execution_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	content_type TEXT NOT NULL,
	body BYTEA NOT NULL,
	CONSTRAINT pk_forwarded_webhooks PRIMARY KEY (id)
);
CREATE TABLE heartbeat (
	crew TEXT NOT NULL,
	at BIGINT NOT NULL,
	CONSTRAINT pk_heartbeat PRIMARY KEY (crew)
);
CREATE TABLE installations (
	token_digest TEXT NOT NULL,
	url TEXT NOT NULL,
	team_id TEXT,
	enterprise_id TEXT,
	whole_enterprise BOOLEAN NOT NULL,
	CONSTRAINT pk_installations PRIMARY KEY (token_digest)
);
CREATE TABLE kickoff_forms (
	form TEXT NOT NULL,
	crew TEXT NOT NULL,
	sent_at BIGINT NOT NULL,
	CONSTRAINT pk_kickoff_forms PRIMARY KEY (form)
);
CREATE TABLE outbox (
	id BIGSERIAL NOT NULL,
	destination TEXT NOT NULL,
	ordering_key TEXT NOT NULL,
	kind TEXT NOT NULL,
	subject TEXT NOT NULL,
	crew TEXT NOT NULL,
	execution_id TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	due_at BIGINT NOT NULL,
	began_at BIGINT,
	lease_until BIGINT,
	tries INTEGER NOT NULL,
	failing_since BIGINT,
	set_aside_at BIGINT,
	set_aside_why TEXT,
	priority INTEGER DEFAULT 0 NOT NULL,
	channel TEXT,
	CONSTRAINT pk_outbox PRIMARY KEY (id)
);
CREATE INDEX ix_outbox_destination_priority_due_at_id ON outbox (destination, priority, due_at, id);
CREATE INDEX ix_outbox_ordering_key_id ON outbox (ordering_key, id);
CREATE INDEX ix_outbox_set_aside_at_execution_id ON outbox (set_aside_at, execution_id);
CREATE INDEX ix_outbox_subject_kind ON outbox (subject, kind);
CREATE TABLE reviews (
	id TEXT NOT NULL,
	crew TEXT COLLATE "C" NOT NULL,
	execution_id TEXT COLLATE "C" NOT NULL,
	task_id TEXT COLLATE "C" NOT NULL,
	task_name TEXT,
	agent TEXT,
	expected_output TEXT,
	CONSTRAINT pk_reviews PRIMARY KEY (id),
	CONSTRAINT uq_reviews_crew_execution_id_task_id UNIQUE (crew, execution_id, task_id)
);
CREATE TABLE rules (
	id TEXT NOT NULL,
	crew TEXT COLLATE "C" NOT NULL,
	escalated BOOLEAN NOT NULL,
	rule TEXT NOT NULL,
	CONSTRAINT pk_rules PRIMARY KEY (id)
);
CREATE INDEX ix_rules_crew ON rules (crew);
CREATE TABLE secret_keys (
	name TEXT NOT NULL,
	canary TEXT NOT NULL,
	CONSTRAINT pk_secret_keys PRIMARY KEY (name)
);
CREATE TABLE task_updates (
	id TEXT NOT NULL,
	crew TEXT COLLATE "C" NOT NULL,
	execution_id TEXT COLLATE "C" NOT NULL,
	received_at BIGINT NOT NULL,
	title TEXT NOT NULL,
	summary TEXT NOT NULL,
	agent TEXT,
	task TEXT,
	activity INTEGER,
	CONSTRAINT pk_task_updates PRIMARY KEY (id)
);
CREATE INDEX ix_task_updates_crew_execution_id_received_at_id ON task_updates (crew, execution_id, received_at, id);
CREATE TABLE unclear_kickoffs (
	id TEXT NOT NULL,
	crew TEXT NOT NULL,
	starter TEXT NOT NULL,
	sent_at BIGINT NOT NULL,
	named JSON,
	CONSTRAINT pk_unclear_kickoffs PRIMARY KEY (id)
);
CREATE INDEX ix_unclear_kickoffs_crew_sent_at ON unclear_kickoffs (crew, sent_at);
CREATE TABLE webhooks (
	crew TEXT COLLATE "C" NOT NULL,
	execution_id TEXT COLLATE "C" NOT NULL,
	origin TEXT NOT NULL,
	task_url TEXT,
	step_url TEXT,
	crew_url TEXT,
	human_input JSON,
	CONSTRAINT pk_webhooks PRIMARY KEY (crew, execution_id, origin)
);
CREATE TABLE written_by (
	version TEXT NOT NULL,
	CONSTRAINT pk_written_by PRIMARY KEY (version)
);
CREATE TABLE rounds (
	id TEXT NOT NULL,
	review_id TEXT NOT NULL,
	number INTEGER NOT NULL,
	state TEXT NOT NULL,
	version INTEGER NOT NULL,
	opened_at BIGINT NOT NULL,
	digest TEXT NOT NULL,
	unchanged BOOLEAN NOT NULL,
	is_approve BOOLEAN,
	feedback TEXT,
	decided_by TEXT,
	decided_by_name TEXT,
	decided_at BIGINT,
	decided_via TEXT,
	in_doubt_since BIGINT,
	activity_before INTEGER NOT NULL,
	reason_words TEXT NOT NULL,
	reason_code TEXT NOT NULL,
	ended_at BIGINT,
	card_channel TEXT,
	card_ts TEXT,
	reason TEXT,
	crew TEXT COLLATE "C",
	retries INTEGER,
	unsent_notes INTEGER,
	card_shows INTEGER,
	rule_id TEXT DEFAULT ''::text NOT NULL,
	votes JSON,
	on_behalf_of TEXT,
	on_behalf_of_name TEXT,
	escalated_at BIGINT,
	reminders INTEGER,
	card_thread_ts TEXT,
	question JSON,
	is_label BOOLEAN,
	salt TEXT,
	takes_edits BOOLEAN,
	edited_by JSON,
	characters INTEGER,
	waited_seconds BIGINT,
	made_in_seconds BIGINT,
	is_on_target BOOLEAN,
	removed_at BIGINT,
	masked INTEGER,
	shown_little INTEGER,
	was_alone BOOLEAN DEFAULT false,
	pause_id TEXT,
	takes_key BOOLEAN,
	edited_at BIGINT,
	sent_back INTEGER,
	no_approver BOOLEAN,
	origin_id TEXT,
	CONSTRAINT pk_rounds PRIMARY KEY (id),
	CONSTRAINT fk_rounds_reviews FOREIGN KEY(review_id) REFERENCES reviews (id),
	CONSTRAINT uq_rounds_review_id_number UNIQUE (review_id, number)
);
CREATE INDEX ix_rounds_card_channel_card_thread_ts ON rounds (card_channel, card_thread_ts);
CREATE INDEX ix_rounds_crew_rule_id_state_opened_at ON rounds (crew, rule_id, state, opened_at);
CREATE INDEX ix_rounds_decided ON rounds (crew, rule_id, state, decided_at, decided_by, decided_via, number, is_approve, opened_at, characters, waited_seconds, made_in_seconds, is_on_target, edited_at) WHERE (decided_at IS NOT NULL);
CREATE INDEX ix_rounds_no_approver ON rounds (crew, opened_at) WHERE no_approver;
CREATE TABLE claims (
	round_id TEXT NOT NULL,
	claimed_by TEXT NOT NULL,
	claimed_by_name TEXT NOT NULL,
	at BIGINT NOT NULL,
	CONSTRAINT pk_claims PRIMARY KEY (round_id),
	CONSTRAINT fk_claims_rounds FOREIGN KEY(round_id) REFERENCES rounds (id)
);
CREATE TABLE direct_messages (
	round_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	channel TEXT NOT NULL,
	ts TEXT NOT NULL,
	CONSTRAINT pk_direct_messages PRIMARY KEY (round_id, user_id),
	CONSTRAINT fk_direct_messages_rounds FOREIGN KEY(round_id) REFERENCES rounds (id)
);
CREATE TABLE flow_requests (
	crew TEXT COLLATE "C" NOT NULL,
	execution_id TEXT COLLATE "C" NOT NULL,
	request_id TEXT COLLATE "C" NOT NULL,
	round_id TEXT NOT NULL,
	callback_url TEXT,
	token TEXT,
	CONSTRAINT pk_flow_requests PRIMARY KEY (crew, execution_id, request_id),
	CONSTRAINT fk_flow_requests_rounds FOREIGN KEY(round_id) REFERENCES rounds (id)
);
CREATE INDEX ix_flow_requests_round_id ON flow_requests (round_id);
CREATE TABLE notes (
	channel TEXT NOT NULL,
	ts TEXT NOT NULL,
	round_id TEXT NOT NULL,
	author TEXT NOT NULL,
	author_name TEXT NOT NULL,
	text TEXT NOT NULL,
	at BIGINT NOT NULL,
	edited_ts TEXT NOT NULL,
	deleted BOOLEAN NOT NULL,
	CONSTRAINT pk_notes PRIMARY KEY (channel, ts),
	CONSTRAINT fk_notes_rounds FOREIGN KEY(round_id) REFERENCES rounds (id)
);
CREATE INDEX ix_notes_round_id_at ON notes (round_id, at);
CREATE TABLE outputs (
	round_id TEXT NOT NULL,
	format TEXT NOT NULL,
	text TEXT NOT NULL,
	edited TEXT,
	CONSTRAINT pk_outputs PRIMARY KEY (round_id),
	CONSTRAINT fk_outputs_rounds FOREIGN KEY(round_id) REFERENCES rounds (id)
);
CREATE TABLE read_to_end (
	round_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	at_end BOOLEAN DEFAULT true NOT NULL,
	unmasked BOOLEAN DEFAULT false NOT NULL,
	pages INTEGER,
	seconds INTEGER,
	CONSTRAINT pk_read_to_end PRIMARY KEY (round_id, user_id),
	CONSTRAINT fk_read_to_end_rounds FOREIGN KEY(round_id) REFERENCES rounds (id)
);
