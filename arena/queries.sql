-- The public views of the records: what people, the command line, reports and pages read. In the SQL of SQLite; for
-- PostgreSQL, `arena/postgres.py` translates the few words that differ, so keep to those that it knows.
--
-- Everywhere: `episode` is "<run>.<n>"; money is US dollars, NULL where a price is unknown, 0 where nothing was called;
-- tokens are input and output together unless said; times are ISO 8601 in UTC; durations are seconds of wall clock.
-- Who plays is shown as the name of the model where an agent plays with one, else as the name of the agent.

-- episodes: one row per match played.
--   id, run, n (place in the plan, from 1), game, status (running, over, forfeit, cut, error), blame (the seat that
--   forfeited), seed, seats ("buyer=linear seller=micro"), turns (answers the rules took), refused (answers they did
--   not), calls (attempts to reach a model), tokens, usd (NULL if any call's price is unknown), started,
--   seconds (from the first start to the end, breaks included; NULL while it runs).
CREATE VIEW IF NOT EXISTS episodes AS
SELECT e.id, e.run, e.n, e.game, e.status, e.blame, e.seed,
  (SELECT group_concat(s.seat || '=' || coalesce(s.model, s.agent), ' ') FROM seat s WHERE s.episode = e.id) AS seats,
  (SELECT count(*) - count(t.refused) FROM turn t WHERE t.episode = e.id) AS turns,
  (SELECT count(t.refused) FROM turn t WHERE t.episode = e.id) AS refused,
  (SELECT count(*) FROM call c WHERE c.episode = e.id) AS calls,
  (SELECT coalesce(sum(c.input_tokens), 0) + coalesce(sum(c.output_tokens), 0)
     FROM call c WHERE c.episode = e.id) AS tokens,
  (SELECT CASE WHEN count(*) = count(c.usd) THEN coalesce(sum(c.usd), 0.0) END
     FROM call c WHERE c.episode = e.id) AS usd,
  e.started,
  round((julianday(e.ended) - julianday(e.started)) * 86400, 3) AS seconds
FROM episode e;

-- runs: one row per run.
--   id, status (running, over, cut, interrupted, failed), command, matches (planned), finished (over or forfeit),
--   errors, turns, calls, tokens, usd (NULL if any call's price is unknown), started, ended, seconds, arena_version.
CREATE VIEW IF NOT EXISTS runs AS
SELECT r.id, r.status, r.command,
  CAST(json_extract(r.plan, '$.matches') AS INTEGER) AS matches,
  (SELECT count(*) FROM episode e WHERE e.run = r.id AND e.status IN ('over', 'forfeit')) AS finished,
  (SELECT count(*) FROM episode e WHERE e.run = r.id AND e.status = 'error') AS errors,
  (SELECT count(*) FROM episode e JOIN turn t ON t.episode = e.id WHERE e.run = r.id AND t.refused IS NULL) AS turns,
  (SELECT count(*) FROM episode e JOIN call c ON c.episode = e.id WHERE e.run = r.id) AS calls,
  (SELECT coalesce(sum(c.input_tokens), 0) + coalesce(sum(c.output_tokens), 0)
     FROM episode e JOIN call c ON c.episode = e.id WHERE e.run = r.id) AS tokens,
  (SELECT CASE WHEN count(*) = count(c.usd) THEN coalesce(sum(c.usd), 0.0) END
     FROM episode e JOIN call c ON c.episode = e.id WHERE e.run = r.id) AS usd,
  r.started, r.ended,
  round((julianday(r.ended) - julianday(r.started)) * 86400, 3) AS seconds,
  r.arena_version
FROM run r;

-- rounds: one row per round of a negotiation (games that state the fact `rounds`).
--   episode, run, game, seed, buyer, seller (who played), round (from 1), deal (1 or 0), price (NULL without a deal),
--   ended (how), accepted_by (a seat), decided_by (who read the decision: an action, or the moderator),
--   buyer_surplus, seller_surplus (money of the game, not of this world), messages, tokens and usd (of the calls made
--   from the round's first step to its last; usd NULL if any price is unknown).
CREATE VIEW IF NOT EXISTS rounds AS
SELECT f.episode, e.run, e.game, e.seed,
  (SELECT coalesce(s.model, s.agent) FROM seat s WHERE s.episode = f.episode AND s.seat = 'buyer') AS buyer,
  (SELECT coalesce(s.model, s.agent) FROM seat s WHERE s.episode = f.episode AND s.seat = 'seller') AS seller,
  CAST(json_extract(f.value, '$.round') AS INTEGER) AS round,
  CAST(json_extract(f.value, '$.deal') AS INTEGER) AS deal,
  json_extract(f.value, '$.price') AS price,
  CAST(json_extract(f.value, '$.ended') AS TEXT) AS ended,
  CAST(json_extract(f.value, '$.accepted_by') AS TEXT) AS accepted_by,
  CAST(json_extract(f.value, '$.decided_by') AS TEXT) AS decided_by,
  json_extract(f.value, '$.buyer_surplus') AS buyer_surplus,
  json_extract(f.value, '$.seller_surplus') AS seller_surplus,
  CAST(json_extract(f.value, '$.messages') AS INTEGER) AS messages,
  (SELECT coalesce(sum(c.input_tokens), 0) + coalesce(sum(c.output_tokens), 0) FROM call c
    WHERE c.episode = f.episode
      AND c.step BETWEEN CAST(json_extract(f.value, '$.first_step') AS INTEGER)
        AND CAST(json_extract(f.value, '$.last_step') AS INTEGER)) AS tokens,
  (SELECT CASE WHEN count(*) = count(c.usd) THEN coalesce(sum(c.usd), 0.0) END FROM call c
    WHERE c.episode = f.episode
      AND c.step BETWEEN CAST(json_extract(f.value, '$.first_step') AS INTEGER)
        AND CAST(json_extract(f.value, '$.last_step') AS INTEGER)) AS usd
FROM fact f JOIN episode e ON e.id = f.episode
WHERE f.name = 'rounds';

-- deals: the rounds that ended in a deal.
--   All columns of `rounds`, and seller_share: the seller's part of the surplus, 0 to 1 (NULL where there is none).
CREATE VIEW IF NOT EXISTS deals AS
SELECT r.*, 1.0 * r.seller_surplus / nullif(r.buyer_surplus + r.seller_surplus, 0) AS seller_share
FROM rounds r
WHERE r.deal = 1;

-- transcript: every answer in the order it was given.
--   episode, step (the game's transitions, from 0), attempt (from 0; above 0 after a refusal), seat, text, tool (the
--   action, "" for none), args (JSON), refused (why; NULL if the rules took it), thought (not seen by other seats),
--   at (when it was recorded).
CREATE VIEW IF NOT EXISTS transcript AS
SELECT t.episode, t.step, t.attempt, t.seat, said.body AS text, t.tool, t.args, t.refused, thought.body AS thought,
  strftime('%Y-%m-%dT%H:%M:%fZ', t.at, 'unixepoch') AS at
FROM turn t LEFT JOIN text said ON said.id = t.text LEFT JOIN text thought ON thought.id = t.thought
ORDER BY t.episode, t.step, t.attempt, t.seat;

-- leaderboard: how each agent did in each seat of each game.
--   agent, seat, game, episodes (finished: over or forfeit; the only ones that count), score (mean payoff),
--   deal_rate (deals per round, 0 to 1; NULL for games without rounds), forfeits (by this agent; part of `episodes`),
--   errors (episodes that died: left out of everything else).
CREATE VIEW IF NOT EXISTS leaderboard AS
SELECT coalesce(s.model, s.agent) AS agent, s.seat, e.game,
  count(*) FILTER (WHERE e.status <> 'error') AS episodes,
  avg(p.value) FILTER (WHERE e.status <> 'error') AS score,
  1.0 * sum(r.deals) FILTER (WHERE e.status <> 'error') / sum(r.rounds) FILTER (WHERE e.status <> 'error') AS deal_rate,
  count(*) FILTER (WHERE e.status = 'forfeit' AND e.blame = s.seat) AS forfeits,
  count(*) FILTER (WHERE e.status = 'error') AS errors
FROM episode e
JOIN seat s ON s.episode = e.id
LEFT JOIN score p ON p.episode = e.id AND p.seat = s.seat AND p.scorer = 'game' AND p.version = e.rules_version
LEFT JOIN (SELECT episode, count(*) AS rounds, sum(json_extract(value, '$.deal')) AS deals
             FROM fact WHERE name = 'rounds' GROUP BY episode) r ON r.episode = e.id
WHERE e.status IN ('over', 'forfeit', 'error')
GROUP BY coalesce(s.model, s.agent), s.seat, e.game;

-- scores: one row per payoff and scoring.
--   episode, run, game, seat, scorer ("game" for the game's own, else module:function), version (of the rules, or of the
--   scorer), value (NULL for a seat that has none), recorded (1: the game's own when it was played, the only rows that
--   other views use; 0: added later by `arena rescore`).
CREATE VIEW IF NOT EXISTS scores AS
SELECT p.episode, e.run, e.game, p.seat, p.scorer, p.version, p.value,
  CASE WHEN p.scorer = 'game' AND p.version = e.rules_version THEN 1 ELSE 0 END AS recorded
FROM score p JOIN episode e ON e.id = p.episode;

-- forks: one row per seat of a forked episode, beside the episode it was forked from.
--   episode, run, parent (the episode it comes from), at (how many of the parent's transitions it shares), seed (tells
--   forks of one place apart), game, status, seat, agent, parent_agent, score, parent_score (NULL where there is none).
--   The shared answers are billed to the parent alone: calls, tokens and usd of a fork are what it cost itself.
CREATE VIEW IF NOT EXISTS forks AS
SELECT f.episode, e.run, f.parent, f.at, f.seed, e.game, e.status, s.seat,
  coalesce(s.model, s.agent) AS agent,
  (SELECT coalesce(o.model, o.agent) FROM seat o WHERE o.episode = f.parent AND o.seat = s.seat) AS parent_agent,
  (SELECT p.value FROM score p WHERE p.episode = f.episode AND p.seat = s.seat AND p.scorer = 'game'
    AND p.version = e.rules_version) AS score,
  (SELECT p.value FROM score p JOIN episode o ON o.id = p.episode WHERE p.episode = f.parent AND p.seat = s.seat
    AND p.scorer = 'game' AND p.version = o.rules_version) AS parent_score
FROM fork f
JOIN episode e ON e.id = f.episode
JOIN seat s ON s.episode = f.episode;

-- spend: what the models cost.
--   run, model, seat, calls (attempts), failed (attempts without an answer), input_tokens, output_tokens,
--   usd (of the calls with a known price; NULL if there are none), unknown_price_calls (not in `usd`),
--   seconds (waiting for answers, added up over calls that may have run side by side).
CREATE VIEW IF NOT EXISTS spend AS
SELECT e.run, c.model, c.seat,
  count(*) AS calls,
  count(*) FILTER (WHERE c.outcome NOT IN ('ok', 'truncated', 'filtered', 'refused')) AS failed,
  coalesce(sum(c.input_tokens), 0) AS input_tokens,
  coalesce(sum(c.output_tokens), 0) AS output_tokens,
  sum(c.usd) AS usd,
  count(*) FILTER (WHERE c.usd IS NULL) AS unknown_price_calls,
  round(sum(c.seconds), 3) AS seconds
FROM call c JOIN episode e ON e.id = c.episode
GROUP BY e.run, c.model, c.seat;

-- calls: one row per attempt to get an answer from a model.
--   episode, run, game, step, seat, agent (its own name), attempt (NULL where no answer came of it), k (from 0 within
--   one answer), model (asked for), resolved (who answered), outcome (ok, truncated, filtered, refused, or the failure:
--   rate_limited, timeout, server, connection, malformed, rejected), input_tokens, output_tokens, usd, seconds,
--   reply (the raw text), detail, prompt (id of the last message sent; the whole prompt: see below).
CREATE VIEW IF NOT EXISTS calls AS
SELECT c.episode, e.run, e.game, c.step, c.seat, s.agent, c.attempt, c.k, c.model, c.resolved, c.outcome,
  c.input_tokens, c.output_tokens, c.usd, c.seconds, reply.body AS reply, c.detail, c.prompt
FROM call c
JOIN episode e ON e.id = c.episode
LEFT JOIN seat s ON s.episode = c.episode AND s.seat = c.seat
LEFT JOIN text reply ON reply.id = c.reply;

-- A whole prompt, first message first, from its id in `calls.prompt` (a view cannot be given an id, so this is a query):
--
--   WITH RECURSIVE chain(id, parent, role, text, above) AS (
--     SELECT id, parent, role, text, 0 FROM message WHERE id = 1234567890
--     UNION ALL
--     SELECT m.id, m.parent, m.role, m.text, above + 1 FROM message m JOIN chain ON m.id = chain.parent)
--   SELECT role, body FROM chain JOIN text ON text.id = chain.text ORDER BY above DESC;
--
-- Slow on large databases, because they read every row: `leaderboard` and `spend` (all episodes and all calls), and
-- `runs`, `episodes` without a condition on id or run when their counts are selected.
