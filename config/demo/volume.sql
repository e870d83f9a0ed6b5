-- Made-up customers and orders. Each statement begins with a line that says what it makes; volume.py runs them.

-- customers
CREATE TEMP TABLE volume_account ON COMMIT DROP AS
SELECT n, nextval(pg_get_serial_sequence('crm_account', 'id')) AS id, 1 + n %% 7 AS sites,
    (ARRAY['Noordzee', 'Halden', 'Rijnveld', 'Tessaro', 'Brandaris', 'Castello', 'Aurich', 'Meridor', 'Solvang',
           'Kronborg', 'Lindqvist', 'Ostwind', 'Veluwe', 'Baltica', 'Montaigne', 'Ferrovia'])[1 + floor(random() * 16)]
    || ' ' ||
    (ARRAY['Retail', 'Foods', 'Logistics', 'Hotels', 'Clinics', 'Machines', 'Energy', 'Schools', 'Housing', 'Media',
           'Textiles', 'Shipping'])[1 + floor(random() * 12)]
    || ' ' || n || ' ' || (ARRAY['B.V.', 'N.V.', 'GmbH', 'AG', 'S.A.'])[1 + floor(random() * 5)] AS name,
    (ARRAY['NL', 'NL', 'DE', 'DE', 'BE'])[1 + floor(random() * 5)] AS country,
    now() - interval '5 years' * random() AS since
FROM generate_series(1, %(accounts)s) AS n

-- their records
INSERT INTO crm_account (id, created_at, updated_at, edition, number, name, kind, path, registration, vat_number,
    segment, tier, industry, currency, credit_limit, overdue_amount, owner_id, root_id)
SELECT id, since, since, 1, 'ACC' || lpad(nextval('number_acc')::text, 7, '0'), name, 'legal_entity',
    '/' || id || '/', '', '', 'business', (ARRAY['standard', 'standard', 'silver', 'gold', 'platinum'])[1 + n %% 5],
    split_part(name, ' ', 2), 'EUR', 250000, 0, %(owner)s, id
FROM volume_account ORDER BY n

-- their sites
CREATE TEMP TABLE volume_site ON COMMIT DROP AS
SELECT a.n, k, nextval(pg_get_serial_sequence('crm_site', 'id')) AS id
FROM volume_account a, generate_series(1, a.sites) AS k

-- addresses of the sites
INSERT INTO crm_site (id, created_at, updated_at, edition, code, name, street, postcode, city, country, latitude,
    longitude, region, access_notes, account_id)
SELECT s.id, a.since, a.since, 1, 'S' || lpad(k::text, 3, '0'), city || ' ' || k, 'Kade ' || 1 + (s.id %% 240),
    CASE a.country WHEN 'NL' THEN 3000 + (s.id %% 900) || ' AB' WHEN 'DE' THEN '2' || 1000 + (s.id %% 8000)
                   ELSE (1000 + s.id %% 8000)::text END,
    city, a.country, 50 + random() * 3, 4 + random() * 6, (ARRAY['metro', 'metro', 'regional', 'remote'])[1 + k %% 4],
    '', a.id
FROM volume_site s JOIN volume_account a USING (n), LATERAL (SELECT (CASE a.country
    WHEN 'NL' THEN ARRAY['Rotterdam', 'Utrecht', 'Breda', 'Zwolle'] WHEN 'DE' THEN ARRAY['Bremen', 'Essen', 'Kiel', 'Ulm']
    ELSE ARRAY['Gent', 'Antwerpen', 'Leuven', 'Namur'] END)[1 + s.id %% 4] AS city) AS place
ORDER BY s.id

-- their people
INSERT INTO crm_contact (created_at, updated_at, edition, first_name, last_name, email, phone, job_title, role,
    account_id)
SELECT since, since, 1, (ARRAY['Eva', 'Hannes', 'Lotte', 'Mario', 'Julia', 'Ruben', 'Marit', 'Elise'])[1 + n %% 8],
    (ARRAY['Mulder', 'Vogt', 'Jansen', 'Conti', 'Brandt', 'Verhoeven', 'Dekker', 'Albers', 'Lenaerts'])[1 + n %% 9],
    'office' || id || '@customer' || id || '.example', '', 'Facilities',
    (ARRAY['signatory', 'buyer', 'technical'])[1 + n %% 3], id
FROM volume_account ORDER BY n

-- how they pay
INSERT INTO crm_billingprofile (created_at, updated_at, edition, name, invoice_email, street, postcode, city, country,
    currency, payment_days, purchase_order, is_default, account_id)
SELECT since, since, 1, 'Main', 'invoices@customer' || id || '.example', 'Kade 1', '3000 AB', 'Rotterdam', country,
    'EUR', 30, '', true, id
FROM volume_account ORDER BY n

-- orders, by age: most of the old ones are done, most of the young ones are under way
CREATE TEMP TABLE volume_order ON COMMIT DROP AS
WITH drawn AS (
    SELECT n, nextval(pg_get_serial_sequence('orders_order', 'id')) AS id,
        'ORD' || lpad(nextval('number_ord')::text, 7, '0') AS number,
        1 + floor(%(accounts)s * power(random(), 1.6))::int AS account_n, random() AS chance,
        now() - interval '900 days' * (1 - n / %(orders)s::float) - interval '12 hours' * random() AS asked,
        n > %(orders)s * 0.9 AS young, 1 + floor(4 * power(random(), 2))::int AS lines, random() AS pace
    FROM generate_series(1, %(orders)s) AS n
), judged AS (
    SELECT *, CASE WHEN young AND chance < 0.55 THEN 'in_progress' WHEN young AND chance < 0.62 THEN 'on_hold'
                   WHEN young AND chance < 0.66 THEN 'awaiting_information' WHEN young AND chance < 0.84 THEN 'draft'
                   WHEN chance < 0.92 THEN 'completed' WHEN chance < 0.96 THEN 'cancelled' WHEN chance < 0.98 THEN 'rejected'
                   WHEN chance < 0.995 THEN 'partial' ELSE 'failed' END AS state
    FROM drawn
)
SELECT j.*, state IN ('in_progress', 'on_hold', 'awaiting_information') AS running,
    CASE WHEN state <> 'draft' THEN asked + interval '3 hours' END AS submitted,
    CASE WHEN state NOT IN ('draft', 'rejected', 'cancelled') THEN asked + interval '2 days' END AS started,
    CASE WHEN state IN ('rejected', 'cancelled') THEN asked + interval '30 hours'
         WHEN state IN ('completed', 'partial', 'failed') THEN least(asked + interval '6 days' + interval '50 days' * pace,
              now() - interval '10 minutes') END AS ended,
    CASE WHEN state <> 'draft' THEN (asked + interval '45 days')::date END AS promised
FROM judged j

-- their records, in the order of their numbers
INSERT INTO orders_order (id, created_at, updated_at, edition, number, title, channel, their_reference, requested_on,
    promised_on, first_promised_on, slip_reason, currency, monthly, one_time, term_months, priority, state, fulfilment,
    before_assessment, submitted_at, started_at, ended_at, account_id, billing_profile_id, manager_id)
SELECT o.id, asked, coalesce(ended, started, submitted, asked), 1, o.number,
    (ARRAY['Internet for', 'SD-WAN for', 'Second line for', 'Voice for', 'Firewall for', 'Move of'])[1 + o.n %% 6] || ' '
    || split_part(a.name, ' ', 1) || ', ' || o.lines || CASE WHEN o.lines = 1 THEN ' line' ELSE ' lines' END,
    (ARRAY['agent', 'api', 'portal', 'partner'])[1 + o.n %% 4], CASE WHEN o.n %% 3 = 0 THEN 'PO-' || 40000 + o.n ELSE '' END,
    (asked + interval '40 days')::date, promised, promised, '', 'EUR', o.lines * 180 + (o.n %% 700), o.lines * 250,
    (ARRAY[12, 24, 36])[1 + o.n %% 3], 30 + o.n %% 60, o.state,
    CASE o.state WHEN 'completed' THEN 'all' WHEN 'partial' THEN 'some' ELSE 'nothing' END,
    '', submitted, started, ended, a.id, p.id, CASE WHEN o.n %% 2 = 0 THEN %(manager)s END
FROM volume_order o JOIN volume_account a ON a.n = o.account_n JOIN crm_billingprofile p ON p.account_id = a.id
ORDER BY o.n

-- their lines
CREATE TEMP TABLE volume_line ON COMMIT DROP AS
WITH sold AS (
    SELECT id, specification_id, row_number() OVER (ORDER BY key) - 1 AS place, count(*) OVER () AS kinds
    FROM catalog_offering WHERE state = 'active' AND sellable AND specification_id IS NOT NULL AND kind <> 'entitlement'
)
SELECT o.n, o.id AS order_id, line.k, nextval(pg_get_serial_sequence('orders_orderline', 'id')) AS id,
    gen_random_uuid() AS key, sold.id AS offering_id, sold.specification_id, a.id AS account_id, s.id AS site_id,
    o.state AS order_state, o.running, o.asked, o.promised,
    CASE WHEN o.state IN ('completed', 'cancelled', 'rejected', 'failed', 'draft') THEN o.state
         WHEN o.state = 'partial' THEN CASE WHEN line.k %% 2 = 1 THEN 'completed' ELSE 'failed' END
         WHEN line.k = 2 THEN 'completed' ELSE 'in_progress' END AS state
FROM volume_order o JOIN volume_account a ON a.n = o.account_n, generate_series(1, o.lines) AS line (k), sold, volume_site s
WHERE sold.place = (o.n + line.k) %% sold.kinds AND s.n = a.n AND s.k = 1 + line.k %% a.sites

-- the lines' records
INSERT INTO orders_orderline (id, created_at, updated_at, edition, key, their_item, position, action, quantity,
    characteristics, ending, requested_on, promised_on, access_notes, monthly, one_time, state, account_id, offering_id,
    order_id, site_id, specification_id)
SELECT id, asked, asked, 1, key, '', k * 10, 'add', 1, '{}', '[]', (asked + interval '40 days')::date, promised, '', 180,
    250, state, account_id, offering_id, order_id, site_id, specification_id
FROM volume_line ORDER BY id

-- what happened to them
INSERT INTO kernel_auditentry (at, action, subject_type, subject_id, subject_name, changes, reason, request_id)
SELECT at, action, 'orders.order', id, number, jsonb_build_object('state', jsonb_build_array(was, became)), '', ''
FROM volume_order o, LATERAL (VALUES
    (submitted, 'submit', 'draft', 'submitted', submitted IS NOT NULL),
    (submitted + interval '1 minute', 'ask_approval', 'submitted', 'awaiting_approval', submitted IS NOT NULL),
    (submitted + interval '20 hours', 'reject', 'awaiting_approval', 'rejected', state = 'rejected'),
    (submitted + interval '20 hours', 'cancel', 'awaiting_approval', 'cancelled', state = 'cancelled'),
    (submitted + interval '21 hours', 'approve', 'awaiting_approval', 'approved', started IS NOT NULL),
    (started, 'begin', 'approved', 'in_progress', started IS NOT NULL),
    (started + interval '1 day', 'hold', 'in_progress', 'on_hold', state = 'on_hold'),
    (started + interval '1 day', 'await_information', 'in_progress', 'awaiting_information',
        state = 'awaiting_information'),
    (ended, 'complete', 'in_progress', 'completed', state = 'completed'),
    (ended, 'end_partial', 'in_progress', 'partial', state = 'partial'),
    (ended, 'fail', 'in_progress', 'failed', state = 'failed')
) AS moves (at, action, was, became, happened)
WHERE happened ORDER BY o.n, at

-- when the running ones are expected
INSERT INTO orders_orderforecast (order_id, level, reason, expected_on, likely_on, slip_days, chance, paused, since,
    assessed_at, took)
SELECT id, level, CASE WHEN level > 0 THEN 'The access is built later than planned.' ELSE '' END,
    promised + level * 3 - 2, promised + level * 4, CASE WHEN level > 0 THEN level * 2 ELSE -2 END, 95 - level * 20,
    state <> 'in_progress', started, now(), 0.01
FROM volume_order, LATERAL (SELECT CASE WHEN n %% 9 = 0 THEN 1 + n %% 4 ELSE 0 END AS level) AS judged WHERE running

-- the work of the running ones
CREATE TEMP TABLE volume_work ON COMMIT DROP AS
WITH plan AS (
    SELECT d.id, i.id AS item_id, i.name, i.team, i.key FROM fulfillment_planitem i
    JOIN fulfillment_plandefinition d ON d.id = i.definition_id
    WHERE i.kind = 'manual' AND d.state = 'active' ORDER BY i.team = 'Access Orders' DESC, i.id LIMIT 1
)
SELECT l.*, o.number, o.started, plan.id AS definition_id, plan.item_id, plan.name, plan.team, plan.key AS step,
    nextval(pg_get_serial_sequence('orders_domainorder', 'id')) AS domain_id,
    nextval(pg_get_serial_sequence('fulfillment_flow', 'id')) AS flow_id
FROM volume_line l JOIN volume_order o ON o.id = l.order_id, plan WHERE l.running AND l.state = 'in_progress'

-- domain orders
INSERT INTO orders_domainorder (id, created_at, updated_at, edition, number, kind, name, action, path, depth, state,
    started_at, characteristics, missing, account_id, line_id, order_id, site_id, specification_id, flow_id)
SELECT w.domain_id, w.started, w.started, 1, 'DOM' || lpad(nextval('number_dom')::text, 7, '0'), 'product', s.name, 'add',
    w.key || '/' || s.key, 0, 'in_progress', w.started, '{}', '[]', w.account_id, w.id, w.order_id, w.site_id, s.id,
    w.flow_id
FROM volume_work w JOIN catalog_specification s ON s.id = w.specification_id ORDER BY w.domain_id

-- flows
INSERT INTO fulfillment_flow (id, created_at, updated_at, edition, specification_key, name, action, owner_type, owner_id,
    root_type, root_id, root_number, line_key, bundle_key, data, priority, planned_start, planned_end, estimated_end,
    started_at, state, account_id, site_id, definition_id)
SELECT w.flow_id, w.started, w.started, 1, s.key, s.name, 'add', 'orders.domainorder', w.domain_id, 'orders.order',
    w.order_id, w.number, w.key, '', '{}', 50, w.started::date, w.promised, w.promised, w.started, 'in_progress',
    w.account_id, w.site_id, w.definition_id
FROM volume_work w JOIN catalog_specification s ON s.id = w.specification_id ORDER BY w.flow_id

-- tasks
INSERT INTO fulfillment_task (created_at, updated_at, edition, number, key, name, kind, mode, position, state, team,
    priority, waits_for, attempts, fence, planned_start, planned_end, estimated_end, started_at, result, ticked, problem,
    reason, account_id, flow_id, item_id)
SELECT started, started, 1, 'TSK' || lpad(nextval('number_tsk')::text, 7, '0'), step, name, 'manual', 'do', 0,
    'in_progress', team, 30 + id %% 60, 0, 0, 0, started::date, promised, promised, started, '{}', '[]', '', '', account_id,
    flow_id, item_id
FROM volume_work ORDER BY flow_id
