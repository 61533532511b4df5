-- The newest schema in SQLite: what the migrations make. A test compares; do not edit.
CREATE TABLE acks (
    id INTEGER NOT NULL,
    target VARCHAR NOT NULL,
    package VARCHAR NOT NULL,
    since INTEGER NOT NULL,
    acked_by VARCHAR NOT NULL,
    why TEXT NOT NULL,
    link TEXT NOT NULL,
    ended INTEGER,
    ending TEXT NOT NULL,
    CONSTRAINT pk_acks PRIMARY KEY (id)
);

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE artifacts (
    id INTEGER NOT NULL,
    build_id INTEGER NOT NULL,
    file_name VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    epoch INTEGER NOT NULL,
    version VARCHAR NOT NULL,
    release VARCHAR NOT NULL,
    arch VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    size INTEGER NOT NULL,
    is_source BOOLEAN NOT NULL,
    provides TEXT NOT NULL,
    primary_xml BLOB NOT NULL,
    filelists_xml BLOB NOT NULL,
    other_xml BLOB NOT NULL, signed_by VARCHAR DEFAULT '' NOT NULL, unsigned_sha256 VARCHAR DEFAULT '' NOT NULL,
    CONSTRAINT pk_artifacts PRIMARY KEY (id),
    CONSTRAINT fk_artifacts_build_id FOREIGN KEY(build_id) REFERENCES builds (id)
);

CREATE TABLE audit (
    id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor VARCHAR NOT NULL,
    act VARCHAR NOT NULL,
    target VARCHAR NOT NULL,
    detail TEXT NOT NULL,
    address VARCHAR NOT NULL,
    request VARCHAR NOT NULL,
    CONSTRAINT pk_audit PRIMARY KEY (id)
);

CREATE TABLE build_counts (
    target VARCHAR NOT NULL,
    day INTEGER NOT NULL,
    outcome VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    number INTEGER NOT NULL,
    CONSTRAINT pk_build_counts PRIMARY KEY (target, day, outcome, reason)
);

CREATE TABLE builds (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    target VARCHAR NOT NULL,
    package VARCHAR NOT NULL,
    commit_id INTEGER NOT NULL,
    release_date INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    bootstrap BOOLEAN NOT NULL,
    inputs VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    outcome VARCHAR,
    reason VARCHAR,
    detail TEXT NOT NULL,
    needs TEXT NOT NULL,
    rpms TEXT NOT NULL,
    ticket VARCHAR NOT NULL,
    created INTEGER NOT NULL,
    started INTEGER,
    finished INTEGER,
    published INTEGER,
    superseded BOOLEAN NOT NULL, to_cancel TEXT DEFAULT '' NOT NULL, taken_from VARCHAR DEFAULT '' NOT NULL, not_taken TEXT DEFAULT '' NOT NULL,
    CONSTRAINT fk_builds_commit_id FOREIGN KEY(commit_id) REFERENCES commits (id)
);

CREATE TABLE check_results (
    id INTEGER NOT NULL,
    target VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    check_name VARCHAR NOT NULL,
    context VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    reason TEXT NOT NULL,
    findings TEXT NOT NULL,
    owners TEXT NOT NULL,
    against TEXT NOT NULL,
    checked INTEGER NOT NULL,
    checked_by VARCHAR NOT NULL,
    milliseconds INTEGER NOT NULL,
    log VARCHAR NOT NULL,
    CONSTRAINT pk_check_results PRIMARY KEY (id),
    CONSTRAINT uq_check_results_target_subject_check_name_context UNIQUE (target, subject, check_name, context)
);

CREATE TABLE checked_repositories (
    result_id INTEGER NOT NULL,
    repository_id INTEGER NOT NULL,
    CONSTRAINT pk_checked_repositories PRIMARY KEY (result_id, repository_id),
    CONSTRAINT fk_checked_repositories_result_id_check_results FOREIGN KEY(result_id) REFERENCES check_results (id),
    CONSTRAINT fk_checked_repositories_repository_id_repositories FOREIGN KEY(repository_id) REFERENCES repositories (id)
);

CREATE TABLE commits (
    id INTEGER NOT NULL,
    target VARCHAR NOT NULL,
    package VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    upstream_hash VARCHAR NOT NULL,
    distgit_hash VARCHAR NOT NULL,
    extended_hash VARCHAR NOT NULL,
    upstream_time INTEGER NOT NULL,
    distgit_time INTEGER NOT NULL,
    extended_time INTEGER,
    upstream_branch VARCHAR NOT NULL,
    component VARCHAR, upstream VARCHAR DEFAULT '' NOT NULL, traced BOOLEAN DEFAULT 0 NOT NULL,
    CONSTRAINT pk_commits PRIMARY KEY (id),
    CONSTRAINT uq_commits_target_package_upstream_hash_distgit_hash_extended_hash UNIQUE (target, package, upstream_hash, distgit_hash, extended_hash)
);

CREATE TABLE deliveries (
    id INTEGER NOT NULL,
    event_id INTEGER NOT NULL,
    way VARCHAR NOT NULL,
    recipient VARCHAR NOT NULL,
    digest BOOLEAN NOT NULL,
    due INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    error TEXT NOT NULL,
    ended INTEGER,
    sent BOOLEAN NOT NULL,
    CONSTRAINT pk_deliveries PRIMARY KEY (id),
    CONSTRAINT fk_deliveries_event_id FOREIGN KEY(event_id) REFERENCES events (id),
    CONSTRAINT uq_deliveries_event_id_way_recipient UNIQUE (event_id, way, recipient)
);

CREATE TABLE events (
    id INTEGER NOT NULL,
    target VARCHAR NOT NULL,
    package VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    "key" VARCHAR NOT NULL,
    build_id INTEGER,
    break_id INTEGER,
    created INTEGER NOT NULL,
    described INTEGER,
    payload TEXT NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (id),
    CONSTRAINT uq_events_target_key UNIQUE (target, "key")
);

CREATE TABLE heads (
    target VARCHAR NOT NULL,
    package VARCHAR NOT NULL,
    upstream_hash VARCHAR,
    distgit_hash VARCHAR,
    seen INTEGER,
    error TEXT NOT NULL,
    error_since INTEGER,
    CONSTRAINT pk_heads PRIMARY KEY (target, package)
);

CREATE TABLE held_back (
    id INTEGER NOT NULL,
    target VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    package VARCHAR NOT NULL,
    build_id INTEGER,
    newer_id INTEGER,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    held_by VARCHAR NOT NULL,
    why TEXT NOT NULL,
    ended INTEGER,
    ending TEXT NOT NULL, part_of VARCHAR DEFAULT '' NOT NULL,
    CONSTRAINT pk_held_back PRIMARY KEY (id),
    CONSTRAINT fk_held_back_build_id FOREIGN KEY(build_id) REFERENCES builds (id),
    CONSTRAINT fk_held_back_newer_id FOREIGN KEY(newer_id) REFERENCES builds (id)
);

CREATE TABLE holds (
    target VARCHAR NOT NULL,
    package VARCHAR NOT NULL,
    build_id INTEGER,
    since INTEGER NOT NULL,
    held_by VARCHAR NOT NULL,
    why TEXT NOT NULL,
    CONSTRAINT pk_holds PRIMARY KEY (target, package),
    CONSTRAINT fk_holds_build_id FOREIGN KEY(build_id) REFERENCES builds (id)
);

CREATE TABLE identity (
    id VARCHAR NOT NULL,
    CONSTRAINT pk_identity PRIMARY KEY (id)
);

CREATE TABLE intents (
    id INTEGER NOT NULL,
    target VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    payload TEXT NOT NULL,
    created INTEGER NOT NULL,
    done INTEGER,
    CONSTRAINT pk_intents PRIMARY KEY (id)
);

CREATE TABLE moves (
    id INTEGER NOT NULL,
    target VARCHAR NOT NULL,
    component VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    old_id INTEGER,
    new_id INTEGER NOT NULL,
    moved INTEGER NOT NULL,
    moved_by VARCHAR NOT NULL,
    why TEXT NOT NULL, aggregate VARCHAR DEFAULT '' NOT NULL,
    CONSTRAINT pk_moves PRIMARY KEY (id),
    CONSTRAINT fk_moves_new_id FOREIGN KEY(new_id) REFERENCES repositories (id),
    CONSTRAINT fk_moves_old_id FOREIGN KEY(old_id) REFERENCES repositories (id)
);

CREATE TABLE names (
    target VARCHAR NOT NULL,
    component VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    repository_id INTEGER NOT NULL,
    move_id INTEGER NOT NULL,
    CONSTRAINT pk_names PRIMARY KEY (target, component, name),
    CONSTRAINT fk_names_move_id FOREIGN KEY(move_id) REFERENCES moves (id),
    CONSTRAINT fk_names_repository_id FOREIGN KEY(repository_id) REFERENCES repositories (id)
);

CREATE TABLE packages (
    target VARCHAR NOT NULL,
    package VARCHAR NOT NULL,
    newest_id INTEGER,
    good_id INTEGER,
    bootstrap_id INTEGER,
    broken_id INTEGER,
    broken_since INTEGER,
    CONSTRAINT pk_packages PRIMARY KEY (target, package),
    CONSTRAINT fk_packages_bootstrap_id FOREIGN KEY(bootstrap_id) REFERENCES builds (id),
    CONSTRAINT fk_packages_broken_id FOREIGN KEY(broken_id) REFERENCES builds (id),
    CONSTRAINT fk_packages_good_id FOREIGN KEY(good_id) REFERENCES builds (id),
    CONSTRAINT fk_packages_newest_id FOREIGN KEY(newest_id) REFERENCES builds (id)
);

CREATE TABLE pauses (
    target VARCHAR NOT NULL,
    since INTEGER NOT NULL,
    paused_by VARCHAR NOT NULL,
    why TEXT NOT NULL,
    CONSTRAINT pk_pauses PRIMARY KEY (target)
);

CREATE TABLE polls (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    target VARCHAR NOT NULL,
    package VARCHAR NOT NULL,
    asked INTEGER NOT NULL,
    asked_by VARCHAR NOT NULL,
    CONSTRAINT uq_polls_target_package UNIQUE (target, package)
);

CREATE TABLE receipts (
    hook VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    received INTEGER NOT NULL,
    CONSTRAINT pk_receipts PRIMARY KEY (hook, digest)
);

CREATE TABLE repositories (
    id INTEGER NOT NULL,
    target VARCHAR NOT NULL,
    component VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    build_id INTEGER,
    digest VARCHAR NOT NULL,
    created INTEGER NOT NULL, removed INTEGER,
    CONSTRAINT pk_repositories PRIMARY KEY (id),
    CONSTRAINT fk_repositories_build_id FOREIGN KEY(build_id) REFERENCES builds (id)
);

CREATE TABLE review_builds (
    id INTEGER NOT NULL,
    review_id INTEGER NOT NULL,
    package VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    detail TEXT NOT NULL,
    seconds INTEGER NOT NULL,
    CONSTRAINT pk_review_builds PRIMARY KEY (id),
    CONSTRAINT fk_review_builds_review_id FOREIGN KEY(review_id) REFERENCES reviews (id),
    CONSTRAINT uq_review_builds_review_id_package UNIQUE (review_id, package)
);

CREATE TABLE review_votes (
    id INTEGER NOT NULL,
    review_id INTEGER NOT NULL,
    job VARCHAR NOT NULL,
    verdict VARCHAR NOT NULL,
    user VARCHAR NOT NULL,
    url TEXT NOT NULL,
    notes TEXT NOT NULL,
    recorded INTEGER NOT NULL,
    CONSTRAINT pk_review_votes PRIMARY KEY (id),
    CONSTRAINT fk_review_votes_review_id FOREIGN KEY(review_id) REFERENCES reviews (id)
);

CREATE TABLE reviews (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    target VARCHAR NOT NULL,
    place VARCHAR NOT NULL,
    project VARCHAR NOT NULL,
    revision VARCHAR NOT NULL,
    author VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    verdict VARCHAR NOT NULL,
    branch TEXT NOT NULL,
    subject TEXT NOT NULL,
    url TEXT NOT NULL,
    because TEXT NOT NULL,
    detail TEXT NOT NULL,
    report_error TEXT NOT NULL,
    number INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    created INTEGER NOT NULL,
    report_tries INTEGER NOT NULL,
    started INTEGER,
    finished INTEGER,
    reported INTEGER
);

CREATE TABLE rights (
    user VARCHAR NOT NULL,
    target VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    CONSTRAINT pk_rights PRIMARY KEY (user, target),
    CONSTRAINT fk_rights_user FOREIGN KEY(user) REFERENCES users (name)
);

CREATE TABLE taken_over (
    target VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    theirs INTEGER NOT NULL,
    ours INTEGER NOT NULL,
    CONSTRAINT pk_taken_over PRIMARY KEY (target, kind, theirs)
);

CREATE TABLE tokens (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    purpose VARCHAR NOT NULL,
    target VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    revoked INTEGER,
    CONSTRAINT fk_tokens_user FOREIGN KEY(user) REFERENCES users (name),
    CONSTRAINT uq_tokens_digest UNIQUE (digest)
);

CREATE TABLE traced_sources (
    id INTEGER NOT NULL,
    target VARCHAR NOT NULL,
    package VARCHAR NOT NULL,
    is_distgit BOOLEAN NOT NULL,
    upstream VARCHAR NOT NULL,
    head VARCHAR NOT NULL,
    CONSTRAINT pk_traced_sources PRIMARY KEY (id),
    CONSTRAINT uq_traced_sources_target_package_is_distgit_upstream UNIQUE (target, package, is_distgit, upstream)
);

CREATE TABLE traces (
    name VARCHAR NOT NULL,
    source_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    is_there BOOLEAN NOT NULL,
    CONSTRAINT pk_traces PRIMARY KEY (name, source_id, position),
    CONSTRAINT fk_traces_source_id_traced_sources FOREIGN KEY(source_id) REFERENCES traced_sources (id)
)
 WITHOUT ROWID;

CREATE TABLE users (
    name VARCHAR NOT NULL,
    password VARCHAR NOT NULL,
    created INTEGER NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (name)
);

CREATE TABLE votes (
    id INTEGER NOT NULL,
    target VARCHAR NOT NULL,
    build_id INTEGER,
    ref_hash VARCHAR DEFAULT '' NOT NULL,
    component VARCHAR NOT NULL,
    job VARCHAR NOT NULL,
    success BOOLEAN NOT NULL,
    in_progress BOOLEAN NOT NULL,
    timestamp INTEGER NOT NULL,
    created INTEGER NOT NULL,
    url TEXT NOT NULL,
    notes TEXT NOT NULL,
    user VARCHAR NOT NULL,
    CONSTRAINT pk_votes PRIMARY KEY (id),
    CONSTRAINT fk_votes_build_id FOREIGN KEY(build_id) REFERENCES builds (id)
);

CREATE INDEX ix_acks_open ON acks (target, package) WHERE ended IS NULL;

CREATE INDEX ix_acks_target_package_id ON acks (target, package, id);

CREATE INDEX ix_artifacts_build_id ON artifacts (build_id);

CREATE INDEX ix_artifacts_file_name ON artifacts (file_name);

CREATE INDEX ix_artifacts_sha256 ON artifacts (sha256);

CREATE INDEX ix_artifacts_unsigned_sha256 ON artifacts (unsigned_sha256);

CREATE INDEX ix_builds_commit_id ON builds (commit_id);

CREATE INDEX ix_builds_finished ON builds (target, finished, outcome, reason, package);

CREATE INDEX ix_builds_listed ON builds (target, id) WHERE id > 0;

CREATE INDEX ix_builds_open ON builds (target, id) WHERE state <> 'done';

CREATE UNIQUE INDEX ix_builds_published ON builds (target, published) WHERE published IS NOT NULL;

CREATE INDEX ix_builds_target_inputs_id ON builds (target, inputs, id);

CREATE INDEX ix_builds_target_package_id ON builds (target, package, id);

CREATE INDEX ix_builds_target_package_release_date ON builds (target, package, release_date);

CREATE INDEX ix_builds_unpublished ON builds (target, id) WHERE outcome = 'built' AND published IS NULL;

CREATE INDEX ix_checked_repositories_repository_id ON checked_repositories (repository_id);

CREATE INDEX ix_commits_listed ON commits (target, id) WHERE id > 0;

CREATE INDEX ix_commits_owner ON commits (target, upstream_hash, distgit_hash, extended_hash, package);

CREATE INDEX ix_commits_target_package_position ON commits (target, package, position);

CREATE INDEX ix_commits_target_package_upstream_position ON commits (target, package, upstream, position);

CREATE INDEX ix_commits_untraced ON commits (target, package, position) WHERE NOT traced;

CREATE INDEX ix_deliveries_open ON deliveries (due, id) WHERE ended IS NULL;

CREATE INDEX ix_events_target_id ON events (target, id);

CREATE INDEX ix_events_target_package_break_id_kind ON events (target, package, break_id, kind);

CREATE INDEX ix_events_undescribed ON events (target, id) WHERE described IS NULL;

CREATE INDEX ix_held_back_target_name_id ON held_back (target, name, id);

CREATE INDEX ix_intents_open ON intents (target, id) WHERE done IS NULL;

CREATE INDEX ix_moves_aggregate ON moves (target, aggregate, id) WHERE aggregate <> '';

CREATE INDEX ix_moves_new_id_id ON moves (new_id, id);

CREATE INDEX ix_moves_promotions ON moves (target, id) WHERE name NOT IN ('current', 'consistent');

CREATE INDEX ix_moves_promotions_of ON moves (target, component, id) WHERE name NOT IN ('current', 'consistent');

CREATE INDEX ix_moves_target_component_name_id ON moves (target, component, name, id);

CREATE INDEX ix_moves_target_name_id ON moves (target, name, id);

CREATE INDEX ix_packages_good_id ON packages (good_id);

CREATE INDEX ix_receipts_received ON receipts (received);

CREATE INDEX ix_repositories_build_id ON repositories (build_id);

CREATE INDEX ix_repositories_target_component_digest_id ON repositories (target, component, digest, id);

CREATE INDEX ix_repositories_target_path_id ON repositories (target, path, id);

CREATE INDEX ix_review_votes_review_id_job ON review_votes (review_id, job);

CREATE INDEX ix_reviews_open ON reviews (id) WHERE reported IS NULL;

CREATE INDEX ix_reviews_place_author_created ON reviews (place, author, created);

CREATE INDEX ix_reviews_place_project_number ON reviews (place, project, number);

CREATE INDEX ix_reviews_target_id ON reviews (target, id);

CREATE INDEX ix_tokens_user ON tokens (user);

CREATE INDEX ix_votes_build_id_id ON votes (build_id, id);

CREATE INDEX ix_votes_component ON votes (target, component, success, timestamp, id) WHERE build_id IS NOT NULL AND job <> 'consistent';

CREATE INDEX ix_votes_component_job ON votes (target, component, job, success, timestamp, id) WHERE build_id IS NOT NULL;

CREATE INDEX ix_votes_elsewhere ON votes (target, id) WHERE build_id IS NULL;

CREATE INDEX ix_votes_in_progress ON votes (target, id) WHERE in_progress;

CREATE INDEX ix_votes_job ON votes (target, job, success, timestamp, id) WHERE build_id IS NOT NULL;

CREATE INDEX ix_votes_newest ON votes (target, success, timestamp, id) WHERE build_id IS NOT NULL AND job <> 'consistent';

CREATE INDEX ix_votes_not_good ON votes (target, id) WHERE NOT success;

CREATE INDEX ix_votes_ref_hash ON votes (target, ref_hash, id) WHERE ref_hash <> '';

CREATE INDEX ix_votes_target_component_id ON votes (target, component, id);

CREATE INDEX ix_votes_target_id ON votes (target, id);

CREATE INDEX ix_votes_target_job_id ON votes (target, job, id);

CREATE INDEX ix_votes_target_timestamp_id ON votes (target, timestamp, id);

CREATE INDEX ix_votes_target_user_id ON votes (target, user, id);

CREATE TRIGGER builds_counted_delete AFTER DELETE ON builds BEGIN
UPDATE build_counts SET number = number - 1
WHERE target = OLD.target AND day = OLD.release_date / 86400
AND outcome = OLD.outcome AND reason = coalesce(OLD.reason, ''); END;

CREATE TRIGGER builds_counted_insert AFTER INSERT ON builds BEGIN
INSERT INTO build_counts (target, day, outcome, reason, number)
SELECT NEW.target, NEW.release_date / 86400, NEW.outcome, coalesce(NEW.reason, ''), 1
WHERE NEW.outcome IN ('built', 'failed')
ON CONFLICT (target, day, outcome, reason) DO UPDATE SET number = build_counts.number + 1; END;

CREATE TRIGGER builds_counted_update AFTER UPDATE OF target, release_date, outcome, reason ON builds BEGIN
UPDATE build_counts SET number = number - 1
WHERE target = OLD.target AND day = OLD.release_date / 86400
AND outcome = OLD.outcome AND reason = coalesce(OLD.reason, '');
INSERT INTO build_counts (target, day, outcome, reason, number)
SELECT NEW.target, NEW.release_date / 86400, NEW.outcome, coalesce(NEW.reason, ''), 1
WHERE NEW.outcome IN ('built', 'failed')
ON CONFLICT (target, day, outcome, reason) DO UPDATE SET number = build_counts.number + 1; END;

