CREATE TABLE public.absences (
    user_id text NOT NULL,
    user_name text NOT NULL,
    delegate_id text NOT NULL,
    delegate_name text NOT NULL,
    since bigint NOT NULL,
    until bigint NOT NULL
);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.budgets (
    name text NOT NULL,
    paid_until bigint NOT NULL
);
CREATE TABLE public.claims (
    round_id text NOT NULL,
    claimed_by text NOT NULL,
    claimed_by_name text NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.dead_letters (
    id text NOT NULL,
    crew text NOT NULL,
    received_at bigint NOT NULL,
    reason text NOT NULL,
    body bytea NOT NULL,
    report_channel text,
    report_ts text,
    dismissed_by text,
    dismissed_by_name text,
    dismissed_why text,
    dismissed_at bigint
);
CREATE TABLE public.direct_messages (
    round_id text NOT NULL,
    user_id text NOT NULL,
    channel text NOT NULL,
    ts text NOT NULL
);
CREATE TABLE public.email_owners (
    address text NOT NULL,
    user_id text NOT NULL,
    moved_to text
);
CREATE TABLE public.executions (
    crew text NOT NULL COLLATE pg_catalog."C",
    execution_id text NOT NULL COLLATE pg_catalog."C",
    tracked boolean NOT NULL,
    state text NOT NULL,
    began_at bigint NOT NULL,
    ended_at bigint,
    activity_count integer NOT NULL,
    channel text,
    thread_ts text,
    progress_channel text,
    progress_ts text,
    starter text,
    starter_name text,
    completed_tasks integer NOT NULL,
    total_tasks integer,
    tokens bigint,
    result_format text,
    current_task text,
    step text NOT NULL,
    inputs json NOT NULL,
    error text NOT NULL,
    result text,
    asked_at bigint,
    not_found_since bigint,
    not_found_count integer,
    stuck_in_doubt boolean,
    subject text,
    meta json,
    is_flow boolean,
    ended_by_event boolean
);
CREATE TABLE public.flow_requests (
    crew text NOT NULL COLLATE pg_catalog."C",
    execution_id text NOT NULL COLLATE pg_catalog."C",
    request_id text NOT NULL COLLATE pg_catalog."C",
    round_id text NOT NULL,
    callback_url text,
    token text
);
CREATE TABLE public.forwarded_webhooks (
    id text NOT NULL,
    crew text NOT NULL,
    execution_id text NOT NULL,
    kind text NOT NULL,
    content_type text NOT NULL,
    body bytea NOT NULL
);
CREATE TABLE public.heartbeat (
    id integer NOT NULL,
    at bigint NOT NULL
);
CREATE SEQUENCE public.heartbeat_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.heartbeat_id_seq OWNED BY public.heartbeat.id;
CREATE TABLE public.installations (
    token_digest text NOT NULL,
    url text NOT NULL,
    team_id text,
    enterprise_id text,
    whole_enterprise boolean NOT NULL
);
CREATE TABLE public.kickoff_forms (
    form text NOT NULL,
    crew text NOT NULL,
    sent_at bigint NOT NULL
);
CREATE TABLE public.notes (
    channel text NOT NULL,
    ts text NOT NULL,
    round_id text NOT NULL,
    author text NOT NULL,
    author_name text NOT NULL,
    text text NOT NULL,
    at bigint NOT NULL,
    edited_ts text NOT NULL,
    deleted boolean NOT NULL
);
CREATE TABLE public.old_event_keys (
    crew text NOT NULL COLLATE pg_catalog."C",
    execution_id text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.outbox (
    id bigint NOT NULL,
    destination text NOT NULL,
    ordering_key text CONSTRAINT outbox_lane_not_null NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    crew text NOT NULL,
    execution_id text NOT NULL,
    created_at bigint NOT NULL,
    due_at bigint NOT NULL,
    began_at bigint,
    lease_until bigint,
    tries integer NOT NULL,
    failing_since bigint,
    set_aside_at bigint,
    set_aside_why text,
    priority integer DEFAULT 0 NOT NULL
);
CREATE SEQUENCE public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.outbox_id_seq OWNED BY public.outbox.id;
CREATE TABLE public.outputs (
    round_id text NOT NULL,
    format text NOT NULL,
    text text NOT NULL
);
CREATE TABLE public.read_to_end (
    round_id text NOT NULL,
    user_id text NOT NULL
);
CREATE TABLE public.reviews (
    id text NOT NULL,
    crew text NOT NULL COLLATE pg_catalog."C",
    execution_id text NOT NULL COLLATE pg_catalog."C",
    task_id text NOT NULL COLLATE pg_catalog."C",
    task_name text,
    agent text,
    expected_output text
);
CREATE TABLE public.rounds (
    id text NOT NULL,
    review_id text NOT NULL,
    number integer NOT NULL,
    state text NOT NULL,
    version integer NOT NULL,
    opened_at bigint NOT NULL,
    digest text NOT NULL,
    unchanged boolean NOT NULL,
    is_approve boolean,
    feedback text,
    decided_by text,
    decided_by_name text,
    decided_at bigint,
    decided_via text,
    in_doubt_since bigint,
    activity_before integer CONSTRAINT rounds_heard_before_not_null NOT NULL,
    reason_words text CONSTRAINT rounds_answer_not_null NOT NULL,
    reason_code text CONSTRAINT rounds_answer_code_not_null NOT NULL,
    ended_at bigint,
    card_channel text,
    card_ts text,
    reason text,
    crew text COLLATE pg_catalog."C",
    retries integer,
    unsent_notes integer,
    card_shows integer,
    rule_id text DEFAULT ''::text NOT NULL,
    votes json,
    on_behalf_of text,
    on_behalf_of_name text,
    escalated_at bigint,
    reminders integer,
    card_thread_ts text,
    question json,
    is_label boolean
);
CREATE TABLE public.rules (
    id text NOT NULL,
    crew text NOT NULL COLLATE pg_catalog."C",
    escalated boolean NOT NULL,
    rule text NOT NULL
);
CREATE TABLE public.task_updates (
    id text NOT NULL,
    crew text NOT NULL COLLATE pg_catalog."C",
    execution_id text NOT NULL COLLATE pg_catalog."C",
    received_at bigint NOT NULL,
    title text NOT NULL,
    summary text NOT NULL,
    agent text
);
CREATE TABLE public.unclear_kickoffs (
    id text NOT NULL,
    crew text NOT NULL,
    starter text NOT NULL,
    sent_at bigint NOT NULL
);
CREATE TABLE public.webhooks (
    crew text NOT NULL COLLATE pg_catalog."C",
    execution_id text NOT NULL COLLATE pg_catalog."C",
    origin text NOT NULL,
    task_url text,
    step_url text,
    crew_url text,
    human_input json
);
ALTER TABLE ONLY public.heartbeat ALTER COLUMN id SET DEFAULT nextval('public.heartbeat_id_seq'::regclass);
ALTER TABLE ONLY public.outbox ALTER COLUMN id SET DEFAULT nextval('public.outbox_id_seq'::regclass);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.absences
    ADD CONSTRAINT pk_absences PRIMARY KEY (user_id);
ALTER TABLE ONLY public.budgets
    ADD CONSTRAINT pk_budgets PRIMARY KEY (name);
ALTER TABLE ONLY public.claims
    ADD CONSTRAINT pk_claims PRIMARY KEY (round_id);
ALTER TABLE ONLY public.dead_letters
    ADD CONSTRAINT pk_dead_letters PRIMARY KEY (id);
ALTER TABLE ONLY public.direct_messages
    ADD CONSTRAINT pk_direct_messages PRIMARY KEY (round_id, user_id);
ALTER TABLE ONLY public.email_owners
    ADD CONSTRAINT pk_email_owners PRIMARY KEY (address);
ALTER TABLE ONLY public.executions
    ADD CONSTRAINT pk_executions PRIMARY KEY (crew, execution_id);
ALTER TABLE ONLY public.flow_requests
    ADD CONSTRAINT pk_flow_requests PRIMARY KEY (crew, execution_id, request_id);
ALTER TABLE ONLY public.forwarded_webhooks
    ADD CONSTRAINT pk_forwarded_webhooks PRIMARY KEY (id);
ALTER TABLE ONLY public.heartbeat
    ADD CONSTRAINT pk_heartbeat PRIMARY KEY (id);
ALTER TABLE ONLY public.installations
    ADD CONSTRAINT pk_installations PRIMARY KEY (token_digest);
ALTER TABLE ONLY public.kickoff_forms
    ADD CONSTRAINT pk_kickoff_forms PRIMARY KEY (form);
ALTER TABLE ONLY public.notes
    ADD CONSTRAINT pk_notes PRIMARY KEY (channel, ts);
ALTER TABLE ONLY public.old_event_keys
    ADD CONSTRAINT pk_old_event_keys PRIMARY KEY (crew, execution_id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT pk_outbox PRIMARY KEY (id);
ALTER TABLE ONLY public.outputs
    ADD CONSTRAINT pk_outputs PRIMARY KEY (round_id);
ALTER TABLE ONLY public.read_to_end
    ADD CONSTRAINT pk_read_to_end PRIMARY KEY (round_id, user_id);
ALTER TABLE ONLY public.reviews
    ADD CONSTRAINT pk_reviews PRIMARY KEY (id);
ALTER TABLE ONLY public.rounds
    ADD CONSTRAINT pk_rounds PRIMARY KEY (id);
ALTER TABLE ONLY public.rules
    ADD CONSTRAINT pk_rules PRIMARY KEY (id);
ALTER TABLE ONLY public.task_updates
    ADD CONSTRAINT pk_task_updates PRIMARY KEY (id);
ALTER TABLE ONLY public.unclear_kickoffs
    ADD CONSTRAINT pk_unclear_kickoffs PRIMARY KEY (id);
ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT pk_webhooks PRIMARY KEY (crew, execution_id, origin);
ALTER TABLE ONLY public.reviews
    ADD CONSTRAINT uq_reviews_crew_execution_id_task_id UNIQUE (crew, execution_id, task_id);
ALTER TABLE ONLY public.rounds
    ADD CONSTRAINT uq_rounds_review_id_number UNIQUE (review_id, number);
CREATE INDEX ix_absences_delegate_id ON public.absences USING btree (delegate_id);
CREATE INDEX ix_absences_until ON public.absences USING btree (until);
CREATE INDEX ix_executions_channel_thread_ts ON public.executions USING btree (channel, thread_ts);
CREATE INDEX ix_executions_crew_tracked_state_began_at ON public.executions USING btree (crew, tracked, state, began_at);
CREATE INDEX ix_executions_execution_id ON public.executions USING btree (execution_id);
CREATE INDEX ix_flow_requests_round_id ON public.flow_requests USING btree (round_id);
CREATE INDEX ix_notes_round_id_at ON public.notes USING btree (round_id, at);
CREATE INDEX ix_outbox_destination_priority_due_at_id ON public.outbox USING btree (destination, priority, due_at, id);
CREATE INDEX ix_outbox_ordering_key_id ON public.outbox USING btree (ordering_key, id);
CREATE INDEX ix_outbox_set_aside_at ON public.outbox USING btree (set_aside_at);
CREATE INDEX ix_outbox_subject_kind ON public.outbox USING btree (subject, kind);
CREATE INDEX ix_rounds_card_channel_card_thread_ts ON public.rounds USING btree (card_channel, card_thread_ts);
CREATE INDEX ix_rounds_crew_rule_id_state_decided_at ON public.rounds USING btree (crew, rule_id, state, decided_at);
CREATE INDEX ix_rounds_crew_rule_id_state_opened_at ON public.rounds USING btree (crew, rule_id, state, opened_at);
CREATE INDEX ix_rules_crew ON public.rules USING btree (crew);
CREATE INDEX ix_task_updates_crew_execution_id_received_at_id ON public.task_updates USING btree (crew, execution_id, received_at, id);
CREATE INDEX ix_unclear_kickoffs_crew_sent_at ON public.unclear_kickoffs USING btree (crew, sent_at);
ALTER TABLE ONLY public.claims
    ADD CONSTRAINT fk_claims_rounds FOREIGN KEY (round_id) REFERENCES public.rounds(id);
ALTER TABLE ONLY public.direct_messages
    ADD CONSTRAINT fk_direct_messages_rounds FOREIGN KEY (round_id) REFERENCES public.rounds(id);
ALTER TABLE ONLY public.flow_requests
    ADD CONSTRAINT fk_flow_requests_rounds FOREIGN KEY (round_id) REFERENCES public.rounds(id);
ALTER TABLE ONLY public.notes
    ADD CONSTRAINT fk_notes_rounds FOREIGN KEY (round_id) REFERENCES public.rounds(id);
ALTER TABLE ONLY public.outputs
    ADD CONSTRAINT fk_outputs_rounds FOREIGN KEY (round_id) REFERENCES public.rounds(id);
ALTER TABLE ONLY public.read_to_end
    ADD CONSTRAINT fk_read_to_end_rounds FOREIGN KEY (round_id) REFERENCES public.rounds(id);
ALTER TABLE ONLY public.rounds
    ADD CONSTRAINT fk_rounds_reviews FOREIGN KEY (review_id) REFERENCES public.reviews(id);
