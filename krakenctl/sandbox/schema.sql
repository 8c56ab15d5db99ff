-- The sandbox's one file. Times are unix seconds on the sandbox's own clock.

-- Switches, the clock and flags, where they are not at their defaults.
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- People and their accounts -------------------------------------------------------------------------------------------

CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    iiban TEXT UNIQUE,  -- NULL: requested, not yet set up by its owner
    master INTEGER NOT NULL,  -- 1: may create sub-accounts
    parent_id INTEGER REFERENCES account (id),
    created INTEGER NOT NULL,
    tier TEXT,  -- NULL: as the switch says
    key_limit INTEGER  -- NULL: as the switch says
);
CREATE TABLE balance (
    account_id INTEGER NOT NULL REFERENCES account (id),
    asset TEXT NOT NULL,
    amount TEXT NOT NULL,
    PRIMARY KEY (account_id, asset)
) WITHOUT ROWID;

-- Kraken Connect ------------------------------------------------------------------------------------------------------

CREATE TABLE client (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    secret_hash BLOB,  -- NULL: a public client, whose secret is empty
    redirect_uris TEXT NOT NULL,  -- with spaces between
    scopes TEXT NOT NULL  -- with spaces between; empty: every scope there is
) WITHOUT ROWID;
INSERT INTO client VALUES (
    'krakenctl-sandbox', 'krakenctl', NULL,
    'http://127.0.0.1/callback http://[::1]/callback http://localhost/callback', ''
);
CREATE TABLE code (
    hash BLOB PRIMARY KEY,
    client TEXT NOT NULL REFERENCES client (id),
    account_id INTEGER NOT NULL REFERENCES account (id),
    redirect_uri TEXT NOT NULL,
    scopes TEXT NOT NULL,
    challenge TEXT NOT NULL,  -- of PKCE, S256; empty: none was sent
    until REAL NOT NULL,
    used INTEGER NOT NULL DEFAULT 0  -- 1: it stays known, because a second use kills the tokens of the first
) WITHOUT ROWID;
CREATE TABLE token (
    access_hash BLOB PRIMARY KEY,
    refresh_hash BLOB NOT NULL UNIQUE,
    account_id INTEGER NOT NULL REFERENCES account (id),
    client TEXT NOT NULL,
    scopes TEXT NOT NULL,
    access_until INTEGER NOT NULL,
    refresh_until INTEGER NOT NULL,
    code BLOB  -- the hash of the code that it descends from; NULL: seeded
) WITHOUT ROWID;
CREATE INDEX token_account ON token (account_id, client);
CREATE INDEX token_code ON token (code);

-- Keys ----------------------------------------------------------------------------------------------------------------

CREATE TABLE key (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    name TEXT NOT NULL,
    public_key TEXT NOT NULL UNIQUE,
    secret TEXT NOT NULL,
    client TEXT NOT NULL,  -- the OAuth client that made it; empty: a person on the website
    permissions TEXT NOT NULL,  -- codes, with spaces between
    ip_allowlist TEXT NOT NULL,  -- addresses and blocks, with spaces between; empty: the whole world
    nonce_window INTEGER NOT NULL,
    query_from INTEGER NOT NULL,
    query_to INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    last_used INTEGER,  -- NULL: never
    nonce TEXT NOT NULL DEFAULT '0',  -- unsigned 64 bits do not fit into an INTEGER
    counter REAL NOT NULL DEFAULT 0,
    counter_at REAL NOT NULL DEFAULT 0,
    otp TEXT NOT NULL DEFAULT '',  -- the key's own 2FA: empty, `static:PASSWORD` or `totp:BASE32`
    otp_step INTEGER NOT NULL DEFAULT 0,  -- the last TOTP step that was used
    fix INTEGER NOT NULL DEFAULT 0,  -- 1: a person gave it the FIX permission, which no answer shows
    signs_from REAL NOT NULL DEFAULT 0,  -- later than now: issued, but not yet known everywhere
    listed_from REAL NOT NULL DEFAULT 0,
    signs_until REAL,  -- NULL: alive; else revoked, and in some places known until then
    listed_until REAL
);
CREATE UNIQUE INDEX key_name ON key (account_id, name) WHERE signs_until IS NULL;
CREATE INDEX key_account ON key (account_id);
CREATE TABLE seen_nonce (  -- only for keys with a window: what may not come again
    key_id INTEGER NOT NULL REFERENCES key (id) ON DELETE CASCADE,
    nonce TEXT NOT NULL,  -- 20 digits, so that text sorts as the number does
    PRIMARY KEY (key_id, nonce)
) WITHOUT ROWID;
CREATE TABLE failure (  -- refused signed calls in a row
    subject TEXT PRIMARY KEY,
    count INTEGER NOT NULL,
    locked_until REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE futures_key (
    public_key TEXT PRIMARY KEY,
    secret TEXT NOT NULL,
    account_id INTEGER NOT NULL REFERENCES account (id),
    account_uid TEXT NOT NULL,
    general TEXT NOT NULL,  -- NO_ACCESS, READ_ONLY or FULL_ACCESS
    transfer TEXT NOT NULL,
    cidr_blocks TEXT NOT NULL,  -- with spaces between; empty: the whole world
    created INTEGER NOT NULL,
    nonce TEXT NOT NULL DEFAULT '0'
) WITHOUT ROWID;

-- Trading -------------------------------------------------------------------------------------------------------------

CREATE TABLE trade_order (
    txid TEXT PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    status TEXT NOT NULL,  -- open, closed, canceled, expired
    opened REAL NOT NULL,
    closed REAL,  -- NULL: open
    reason TEXT,  -- why it was cancelled; NULL: it was not
    expires REAL,  -- NULL: never
    userref INTEGER,
    cl_ord_id TEXT,
    refid TEXT,  -- the order that this one replaced
    terms TEXT NOT NULL,  -- JSON: what was asked for, as krakenctl.sandbox.money.terms has it
    amends TEXT NOT NULL  -- JSON: as OrderAmends shows them
) WITHOUT ROWID;
CREATE INDEX trade_order_account ON trade_order (account_id, status, opened);
CREATE INDEX trade_order_client ON trade_order (account_id, cl_ord_id) WHERE status = 'open' AND cl_ord_id IS NOT NULL;
CREATE INDEX trade_order_expires ON trade_order (expires) WHERE status = 'open' AND expires IS NOT NULL;
CREATE TABLE trade (
    txid TEXT PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    at REAL NOT NULL,
    body TEXT NOT NULL  -- JSON: as TradesHistory shows it
) WITHOUT ROWID;
CREATE INDEX trade_account ON trade (account_id, at);
CREATE TABLE ledger (
    number INTEGER PRIMARY KEY,  -- the order of entries of the same moment
    id TEXT NOT NULL UNIQUE,
    account_id INTEGER NOT NULL REFERENCES account (id),
    at REAL NOT NULL,
    asset TEXT NOT NULL,
    body TEXT NOT NULL  -- JSON: as Ledgers shows it
);
CREATE INDEX ledger_account ON ledger (account_id, at);
CREATE TABLE export (
    id TEXT PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    at REAL NOT NULL,
    body TEXT NOT NULL  -- JSON: as ExportStatus shows it
) WITHOUT ROWID;
CREATE TABLE cancel_after (  -- CancelAllOrdersAfter: the dead man's switch
    account_id INTEGER PRIMARY KEY REFERENCES account (id),
    at REAL NOT NULL
);

-- Funding -------------------------------------------------------------------------------------------------------------

CREATE TABLE funding (
    refid TEXT PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    direction TEXT NOT NULL,  -- withdrawal, wallet-transfer; deposits are in the ledger
    at REAL NOT NULL,
    cancelled INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL  -- JSON: asset, amount (net), fee; of a withdrawal also method, address, key, address_id
);
CREATE INDEX funding_account ON funding (account_id, direction);
CREATE TABLE deposit_address (
    id TEXT PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    method TEXT NOT NULL,  -- its id
    address TEXT NOT NULL,
    tag TEXT NOT NULL,  -- empty: the network has none
    created INTEGER NOT NULL
);
CREATE INDEX deposit_address_account ON deposit_address (account_id, method);
CREATE TABLE withdraw_address (
    id TEXT PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    name TEXT NOT NULL,  -- the `key` of Withdraw
    description TEXT NOT NULL,
    scope TEXT NOT NULL,  -- the id of the method, network or network group that may use it
    address TEXT NOT NULL,
    tag TEXT NOT NULL,
    verified INTEGER NOT NULL,
    UNIQUE (account_id, name)
) WITHOUT ROWID;
CREATE TABLE earn_allocation (
    account_id INTEGER NOT NULL REFERENCES account (id),
    strategy_id TEXT NOT NULL,
    amount TEXT NOT NULL,
    PRIMARY KEY (account_id, strategy_id)
) WITHOUT ROWID;
CREATE TABLE pay (
    account_id INTEGER NOT NULL REFERENCES account (id),
    external_id TEXT NOT NULL,
    sort TEXT NOT NULL,  -- paylink, transfer, request
    cancelled INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, external_id)
) WITHOUT ROWID;

-- The website ---------------------------------------------------------------------------------------------------------

CREATE TABLE session (
    hash BLOB PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    csrf TEXT NOT NULL,
    until REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE used_form (  -- forms of new keys that have made theirs
    form TEXT PRIMARY KEY,
    until REAL NOT NULL
) WITHOUT ROWID;

-- Mischief ------------------------------------------------------------------------------------------------------------

CREATE TABLE fault (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- a number never comes to mean another fault
    kind TEXT NOT NULL,
    given TEXT NOT NULL,  -- JSON: its aim and its settings, where they are not the defaults
    seen INTEGER NOT NULL DEFAULT 0,  -- calls that the aim met
    struck INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE late_deed (  -- calls that were let in, and happen later; without what let them in
    id INTEGER PRIMARY KEY,
    due REAL NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    address TEXT NOT NULL,
    body BLOB NOT NULL,  -- JSON
    caller TEXT NOT NULL,  -- JSON: the key or the token's account, as it was when the call came
    faults TEXT NOT NULL  -- JSON: what else strikes it, by kind
);
