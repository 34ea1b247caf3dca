-- The public views of the records: what people, the command line, reports and pages read. In the SQL of SQLite; for
-- PostgreSQL, `arena/store/postgres.py` translates the few words that differ, so keep to those that it knows.
--
-- Everywhere: `episode` is "<run>.<n>"; money is US dollars, NULL where a price is unknown, 0 where nothing was called;
-- tokens are input and output together unless said, NULL where those of any call are unknown, which
-- `unknown_token_calls` counts, 0 where nothing was called; times are ISO 8601 in UTC; durations are seconds of wall clock.
-- Who plays is shown as the name of the model where an agent plays with one, else as the name of the agent.

-- used: what each attempt to reach a model used; the other views add these up.
--   episode, step, seat, model (asked for), outcome (as in `calls`), input_tokens, output_tokens (NULL where the provider
--   did not say; 0 for a request that was refused at no cost, and for a person), usd (NULL if unknown), seconds, failed
--   (1: no answer came of it, also where it was cut off at the token limit or by a filter before the first word; else 0).
CREATE VIEW IF NOT EXISTS used AS
SELECT c.episode, c.step, c.seat, c.model, c.outcome,
  coalesce(CASE WHEN c.input_tokens BETWEEN 0 AND 2147483647 THEN c.input_tokens END, CASE WHEN c.usd = 0 AND (c.model = 'human' OR c.outcome IN ('rate_limited', 'server', 'rejected'))
    THEN 0 END) AS input_tokens,
  coalesce(CASE WHEN c.output_tokens BETWEEN 0 AND 2147483647 THEN c.output_tokens END, CASE WHEN c.usd = 0 AND (c.model = 'human' OR c.outcome IN ('rate_limited', 'server', 'rejected'))
    THEN 0 END) AS output_tokens,
  c.usd, c.seconds,
  CASE WHEN c.outcome IN ('ok', 'refused') OR (c.outcome IN ('truncated', 'filtered') AND c.reply IS NOT NULL)
    THEN 0 ELSE 1 END AS failed
FROM call c;

-- episodes: one row per match played.
--   id, run, n (place in the plan, from 1), game, status (running, over, forfeit, cut, error), blame (the seat that
--   forfeited), seed, seats ("buyer=linear seller=micro"), turns (answers the rules took), refused (answers they did
--   not), calls (attempts to reach a model), tokens, unknown_token_calls, usd (NULL if any call's price is unknown),
--   started, seconds (from the first start to the end, breaks included; NULL while it runs).
CREATE VIEW IF NOT EXISTS episodes AS
SELECT e.id, e.run, e.n, e.game, e.status, e.blame, e.seed,
  (SELECT group_concat(s.seat || '=' || coalesce(s.model, s.agent), ' ') FROM seat s WHERE s.episode = e.id) AS seats,
  (SELECT count(*) - count(t.refused) FROM turn t WHERE t.episode = e.id) AS turns,
  (SELECT count(t.refused) FROM turn t WHERE t.episode = e.id) AS refused,
  (SELECT count(*) FROM call c WHERE c.episode = e.id) AS calls,
  (SELECT CASE WHEN count(*) = count(u.input_tokens + u.output_tokens)
     THEN coalesce(sum(u.input_tokens + u.output_tokens), 0) END FROM used u WHERE u.episode = e.id) AS tokens,
  (SELECT count(*) - count(u.input_tokens + u.output_tokens) FROM used u WHERE u.episode = e.id) AS unknown_token_calls,
  (SELECT CASE WHEN count(*) = count(c.usd) THEN coalesce(sum(c.usd), 0.0) END
     FROM call c WHERE c.episode = e.id) AS usd,
  e.started,
  round((julianday(e.ended) - julianday(e.started)) * 86400, 3) AS seconds
FROM episode e;

-- runs: one row per run.
--   id, status (running, over, cut, enough: stopped by --until, interrupted, failed), command, matches (planned), finished (over or forfeit),
--   errors, turns, calls, tokens, unknown_token_calls, usd (NULL if any call's price is unknown), started, ended, seconds, arena_version.
CREATE VIEW IF NOT EXISTS runs AS
SELECT r.id, r.status, r.command,
  CAST(json_extract(r.plan, '$.matches') AS INTEGER) AS matches,
  (SELECT count(*) FROM episode e WHERE e.run = r.id AND e.status IN ('over', 'forfeit')) AS finished,
  (SELECT count(*) FROM episode e WHERE e.run = r.id AND e.status = 'error') AS errors,
  (SELECT count(*) FROM episode e JOIN turn t ON t.episode = e.id WHERE e.run = r.id AND t.refused IS NULL) AS turns,
  (SELECT count(*) FROM episode e JOIN call c ON c.episode = e.id WHERE e.run = r.id) AS calls,
  (SELECT CASE WHEN count(*) = count(u.input_tokens + u.output_tokens)
     THEN coalesce(sum(u.input_tokens + u.output_tokens), 0) END
     FROM episode e JOIN used u ON u.episode = e.id WHERE e.run = r.id) AS tokens,
  (SELECT count(*) - count(u.input_tokens + u.output_tokens)
     FROM episode e JOIN used u ON u.episode = e.id WHERE e.run = r.id) AS unknown_token_calls,
  (SELECT CASE WHEN count(*) = count(c.usd) THEN coalesce(sum(c.usd), 0.0) END
     FROM episode e JOIN call c ON c.episode = e.id WHERE e.run = r.id) AS usd,
  r.started, r.ended,
  round((julianday(r.ended) - julianday(r.started)) * 86400, 3) AS seconds,
  r.arena_version
FROM run r;

-- rounds: one row per round of a negotiation (games that state the fact `rounds`).
--   episode, run, game, seed, buyer, seller (who played), coach (who is coached: a seat, both, none) and feedback (how;
--   both NULL for games without coaching), round (from 1), deal (1 or 0), price (NULL without a deal), ended (how),
--   accepted_by (a seat), decided_by (who read the decision: an action, or the moderator), buyer_surplus, seller_surplus
--   (money of the game, not of this world; 0 without a deal), messages, tokens and usd (of the calls made from the
--   round's first step to its last; each NULL if that of any call is unknown).
CREATE VIEW IF NOT EXISTS rounds AS
SELECT f.episode, e.run, e.game, e.seed,
  (SELECT coalesce(s.model, s.agent) FROM seat s WHERE s.episode = f.episode AND s.seat = 'buyer') AS buyer,
  (SELECT coalesce(s.model, s.agent) FROM seat s WHERE s.episode = f.episode AND s.seat = 'seller') AS seller,
  (SELECT CAST(json_extract(c.value, '$') AS TEXT) FROM fact c
    WHERE c.name = 'coach' AND c.episode = f.episode AND c.n = 0) AS coach,
  (SELECT CAST(json_extract(c.value, '$') AS TEXT) FROM fact c
    WHERE c.name = 'feedback' AND c.episode = f.episode AND c.n = 0) AS feedback,
  CAST(json_extract(f.value, '$.round') AS INTEGER) AS round,
  CAST(json_extract(f.value, '$.deal') AS INTEGER) AS deal,
  json_extract(f.value, '$.price') AS price,
  CAST(json_extract(f.value, '$.ended') AS TEXT) AS ended,
  CAST(json_extract(f.value, '$.accepted_by') AS TEXT) AS accepted_by,
  CAST(json_extract(f.value, '$.decided_by') AS TEXT) AS decided_by,
  json_extract(f.value, '$.buyer_surplus') AS buyer_surplus,
  json_extract(f.value, '$.seller_surplus') AS seller_surplus,
  CAST(json_extract(f.value, '$.messages') AS INTEGER) AS messages,
  (SELECT CASE WHEN count(*) = count(u.input_tokens + u.output_tokens)
     THEN coalesce(sum(u.input_tokens + u.output_tokens), 0) END FROM used u
    WHERE u.episode = f.episode
      AND u.step BETWEEN CAST(json_extract(f.value, '$.first_step') AS INTEGER)
        AND CAST(json_extract(f.value, '$.last_step') AS INTEGER)) AS tokens,
  (SELECT CASE WHEN count(*) = count(c.usd) THEN coalesce(sum(c.usd), 0.0) END FROM call c
    WHERE c.episode = f.episode
      AND c.step BETWEEN CAST(json_extract(f.value, '$.first_step') AS INTEGER)
        AND CAST(json_extract(f.value, '$.last_step') AS INTEGER)) AS usd
FROM fact f JOIN episode e ON e.id = f.episode
WHERE f.name = 'rounds' AND f.n > 0;

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

-- leaderboard: how each agent did in each seat of each game, over all runs.
--   agent, seat, game, episodes (finished: over or forfeit; the only ones that count), score (mean payoff),
--   deal_rate (0 to 1: deals per round, or per episode where a game has one deal; NULL for games without deals),
--   forfeits (by this agent; part of `episodes`), errors (episodes that died: left out of everything else).
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
LEFT JOIN (SELECT episode, count(*) AS rounds,
             sum(CASE name WHEN 'deal' THEN json_extract(value, '$') ELSE json_extract(value, '$.deal') END) AS deals
             FROM fact WHERE (name = 'rounds' AND n > 0) OR (name = 'deal' AND n = 0) GROUP BY episode) r
  ON r.episode = e.id
WHERE e.status IN ('over', 'forfeit', 'error')
GROUP BY coalesce(s.model, s.agent), s.seat, e.game;

-- head_to_head: how an agent did in one seat against another agent in another seat; each pair stands here twice, once
--   from either side, and with more than two seats every two of them are a pair.
--   run, game, agent, seat, rival, rival_seat, n (finished episodes in which both have a score), wins, draws, losses
--   (whose score is higher; a bargainer who gains $5 loses to one who gains $7), score and rival_score (mean payoffs),
--   deal_rate (as in `leaderboard`). Counts of several runs add up; means need n as their weight.
CREATE VIEW IF NOT EXISTS head_to_head AS
SELECT e.run, e.game, coalesce(a.model, a.agent) AS agent, a.seat, coalesce(b.model, b.agent) AS rival,
  b.seat AS rival_seat,
  count(*) AS n,
  count(*) FILTER (WHERE p.value - q.value > 0.000000001) AS wins,
  count(*) FILTER (WHERE abs(p.value - q.value) <= 0.000000001) AS draws,
  count(*) FILTER (WHERE q.value - p.value > 0.000000001) AS losses,
  avg(p.value) AS score,
  avg(q.value) AS rival_score,
  1.0 * sum(r.deals) / sum(r.rounds) AS deal_rate
FROM episode e
JOIN seat a ON a.episode = e.id
JOIN seat b ON b.episode = e.id AND b.seat <> a.seat
JOIN score p ON p.episode = e.id AND p.seat = a.seat AND p.scorer = 'game' AND p.version = e.rules_version
JOIN score q ON q.episode = e.id AND q.seat = b.seat AND q.scorer = 'game' AND q.version = e.rules_version
LEFT JOIN (SELECT episode, count(*) AS rounds,
             sum(CASE name WHEN 'deal' THEN json_extract(value, '$') ELSE json_extract(value, '$.deal') END) AS deals
             FROM fact WHERE (name = 'rounds' AND n > 0) OR (name = 'deal' AND n = 0) GROUP BY episode) r
  ON r.episode = e.id
WHERE e.status IN ('over', 'forfeit') AND p.value IS NOT NULL AND q.value IS NOT NULL
GROUP BY e.run, e.game, coalesce(a.model, a.agent), a.seat, coalesce(b.model, b.agent), b.seat;

-- survival: what became of chains of rounds, by round. A chain is one episode that was finished; it counts in every
--   round, whatever happened in earlier ones.
--   run, game, buyer, seller, coach, feedback, round, chains (begun), played (chains that came to this round: fewer only
--   where the game ends a chain with a lost round), deals, deal_rate (deals / chains: what was not played is no deal),
--   alive (chains with a deal in this and all rounds before), survival (alive / chains: it can only fall), next_rate
--   (alive / alive one round before: the chance of a deal after nothing but deals; NULL after none alive), price (mean
--   over this round's deals), alive_price (mean over alive chains), buyer_payoff and seller_payoff (mean surplus over
--   all chains, 0 without a deal). Prices and payoffs are money of the game; rates go from 0 to 1.
CREATE VIEW IF NOT EXISTS survival AS
SELECT r.run, r.game, r.buyer, r.seller, r.coach, r.feedback, r.round,
  first_value(count(*)) OVER chain AS chains,
  count(*) AS played,
  sum(r.deal) AS deals,
  1.0 * sum(r.deal) / first_value(count(*)) OVER chain AS deal_rate,
  sum(r.alive) AS alive,
  1.0 * sum(r.alive) / first_value(count(*)) OVER chain AS survival,
  1.0 * sum(r.alive) / nullif(coalesce(lag(sum(r.alive)) OVER chain, count(*)), 0) AS next_rate,
  avg(r.price) AS price,
  avg(CASE r.alive WHEN 1 THEN r.price END) AS alive_price,
  1.0 * sum(r.buyer_surplus) / first_value(count(*)) OVER chain AS buyer_payoff,
  1.0 * sum(r.seller_surplus) / first_value(count(*)) OVER chain AS seller_payoff
FROM (SELECT o.*, min(o.deal) OVER (PARTITION BY o.episode ORDER BY o.round) AS alive
        FROM rounds o JOIN episode e ON e.id = o.episode AND e.status IN ('over', 'forfeit')
       WHERE o.round IS NOT NULL) r
GROUP BY r.run, r.game, r.buyer, r.seller, r.coach, r.feedback, r.round
WINDOW chain AS (PARTITION BY r.run, r.game, r.buyer, r.seller, r.coach, r.feedback ORDER BY r.round);

-- offers: one row per price that was put on the table (games that state the fact `offers`; opening lines that the rules
--   speak for a seat are offers, too).
--   episode, run, game, seed, round, seat, agent (who played it), turn (the seat's n-th offer of the round, from 1),
--   n (the place among all offers of the episode, from 1), price (money of the game), demand (the share of value - cost
--   that the offer keeps for its seat: 1 all of it, 0 none, above 1 more than the other side could agree to; NULL where
--   no price suits both), conceded (the fall of `demand` since the seat's last offer of the round; NULL for the first).
CREATE VIEW IF NOT EXISTS offers AS
SELECT d.episode, d.run, d.game, d.seed, d.round, d.seat, d.agent, row_number() OVER own AS turn, d.n, d.price, d.demand,
  lag(d.demand) OVER own - d.demand AS conceded
FROM (
  SELECT f.episode, e.run, e.game, e.seed, CAST(json_extract(f.value, '$.round') AS INTEGER) AS round,
    CAST(json_extract(f.value, '$.seat') AS TEXT) AS seat, coalesce(s.model, s.agent) AS agent, f.n,
    json_extract(f.value, '$.price') AS price,
    1.0 * CASE WHEN CAST(json_extract(f.value, '$.seat') AS TEXT) = 'seller'
      THEN json_extract(f.value, '$.price') - json_extract(c.value, '$')
      ELSE json_extract(v.value, '$') - json_extract(f.value, '$.price') END
      / CASE WHEN json_extract(v.value, '$') > json_extract(c.value, '$')
          THEN json_extract(v.value, '$') - json_extract(c.value, '$') END AS demand
  FROM fact f
  JOIN episode e ON e.id = f.episode
  LEFT JOIN seat s ON s.episode = f.episode AND s.seat = CAST(json_extract(f.value, '$.seat') AS TEXT)
  LEFT JOIN fact c ON c.name = 'cost' AND c.episode = f.episode AND c.n = 0
  LEFT JOIN fact v ON v.name = 'value' AND v.episode = f.episode AND v.n = 0
  WHERE f.name = 'offers' AND f.n > 0) d
WINDOW own AS (PARTITION BY d.run, d.episode, d.round, d.seat ORDER BY d.n);

-- concession: how far the offers of a seat come down, turn by turn; the mean of `offers` over what was finished.
--   run, game, buyer, seller (who played), coach, feedback, seat (whose offers), round, turn (the seat's n-th offer of
--   the round), n (offers: the rounds that lasted so long; later turns are means over fewer and harder ones), price
--   (mean, money of the game), demand and conceded (means of those of `offers`, shares of value - cost).
--   Written with windows, through which a condition on `run` reaches the offers, as it does not through GROUP BY.
CREATE VIEW IF NOT EXISTS concession AS
SELECT DISTINCT o.run, o.game, r.buyer, r.seller, r.coach, r.feedback, o.seat, o.round, o.turn, count(*) OVER alike AS n,
  avg(o.price) OVER alike AS price, avg(o.demand) OVER alike AS demand, avg(o.conceded) OVER alike AS conceded
FROM offers o
JOIN rounds r ON r.episode = o.episode AND r.round = o.round
JOIN episode e ON e.id = o.episode
WHERE e.status IN ('over', 'forfeit')
WINDOW alike AS (PARTITION BY o.run, o.game, r.buyer, r.seller, r.coach, r.feedback, o.seat, o.round, o.turn);

-- anchoring: the first offers of a round beside the price it ended at; one row per round of an episode.
--   episode, run, game, seed, buyer, seller (who played), coach, feedback, round, opened (the seat that named a price
--   first; NULL where nobody did), first_offer (its price), buyer_first and seller_first (the first offer of each),
--   middle (the mean of those two: where splitting the difference would end), price (NULL without a deal), anchor and
--   result (where first_offer and price lie between the reservation prices: 0 at the seller's cost, 1 at the buyer's
--   value; NULL where no price suits both). Prices are money of the game.
CREATE VIEW IF NOT EXISTS anchoring AS
SELECT r.episode, r.run, r.game, r.seed, r.buyer, r.seller, r.coach, r.feedback, r.round, r.opened,
  CASE r.opened WHEN 'buyer' THEN r.buyer_first ELSE r.seller_first END AS first_offer,
  r.buyer_first, r.seller_first, (r.buyer_first + r.seller_first) / 2.0 AS middle, r.price,
  1.0 * (CASE r.opened WHEN 'buyer' THEN r.buyer_first ELSE r.seller_first END - r.cost)
    / CASE WHEN r.value > r.cost THEN r.value - r.cost END AS anchor,
  1.0 * (r.price - r.cost) / CASE WHEN r.value > r.cost THEN r.value - r.cost END AS result
FROM (
  SELECT o.*,
    (SELECT CAST(json_extract(f.value, '$.seat') AS TEXT) FROM fact f WHERE f.name = 'offers' AND f.episode = o.episode
      AND json_extract(f.value, '$.round') = o.round ORDER BY f.n LIMIT 1) AS opened,
    (SELECT json_extract(f.value, '$.price') FROM fact f WHERE f.name = 'offers' AND f.episode = o.episode
      AND json_extract(f.value, '$.round') = o.round AND CAST(json_extract(f.value, '$.seat') AS TEXT) = 'buyer'
      ORDER BY f.n LIMIT 1) AS buyer_first,
    (SELECT json_extract(f.value, '$.price') FROM fact f WHERE f.name = 'offers' AND f.episode = o.episode
      AND json_extract(f.value, '$.round') = o.round AND CAST(json_extract(f.value, '$.seat') AS TEXT) = 'seller'
      ORDER BY f.n LIMIT 1) AS seller_first,
    (SELECT json_extract(f.value, '$') FROM fact f
      WHERE f.name = 'cost' AND f.episode = o.episode AND f.n = 0) AS cost,
    (SELECT json_extract(f.value, '$') FROM fact f
      WHERE f.name = 'value' AND f.episode = o.episode AND f.n = 0) AS value
  FROM rounds o) r;

-- bluff: what the sides of a negotiation say about their own limit, beside the truth; one row per claim (games that
--   state the fact `claims`).
--   episode, run, game, seed, round, seat, agent (who made it), kind (worth: what it paid, or what the item is worth to
--   it; limit: a price it cannot go past; final: a last offer), claimed and reservation (the claimed and the true one,
--   money of the game), gap (how far the claim goes beyond the truth in the seat's favour, money; below 0 it gives away
--   more than it has to, 0 is the truth), bluffed (1 where gap is above half a cent, else 0), words (the sentence),
--   read_by (rules: found by phrases; moderator: by the moderator's reading). Claims in other words are not in here.
CREATE VIEW IF NOT EXISTS bluff AS
SELECT b.episode, b.run, b.game, b.seed, b.round, b.seat, b.agent, b.kind, b.claimed, b.reservation, b.gap,
  CASE WHEN b.gap > 0.005 THEN 1 WHEN b.gap IS NOT NULL THEN 0 END AS bluffed, b.words, b.read_by
FROM (
  SELECT f.episode, e.run, e.game, e.seed, CAST(json_extract(f.value, '$.round') AS INTEGER) AS round, s.seat,
    coalesce(s.model, s.agent) AS agent, CAST(json_extract(f.value, '$.kind') AS TEXT) AS kind,
    json_extract(f.value, '$.claimed') AS claimed, json_extract(t.value, '$') AS reservation,
    CASE s.seat WHEN 'seller' THEN json_extract(f.value, '$.claimed') - json_extract(t.value, '$')
      ELSE json_extract(t.value, '$') - json_extract(f.value, '$.claimed') END AS gap,
    CAST(json_extract(f.value, '$.words') AS TEXT) AS words,
    CAST(json_extract(f.value, '$.read_by') AS TEXT) AS read_by
  FROM fact f
  JOIN episode e ON e.id = f.episode
  JOIN seat s ON s.episode = f.episode AND s.seat = CAST(json_extract(f.value, '$.seat') AS TEXT)
  LEFT JOIN fact t ON t.episode = f.episode AND t.n = 0
    AND t.name = CASE s.seat WHEN 'seller' THEN 'cost' ELSE 'value' END
  WHERE f.name = 'claims' AND f.n > 0) b;

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
--   run, model, seat, calls (attempts), failed (attempts without an answer), input_tokens, output_tokens (each NULL if
--   that of any call is unknown), unknown_token_calls (calls of which one of the two is unknown),
--   usd (of the calls with a known price; NULL if there are none), unknown_price_calls (not in `usd`),
--   seconds (waiting for answers, added up over calls that may have run side by side).
CREATE VIEW IF NOT EXISTS spend AS
SELECT e.run, u.model, u.seat,
  count(*) AS calls,
  sum(u.failed) AS failed,
  CASE WHEN count(*) = count(u.input_tokens) THEN sum(u.input_tokens) END AS input_tokens,
  CASE WHEN count(*) = count(u.output_tokens) THEN sum(u.output_tokens) END AS output_tokens,
  count(*) - count(u.input_tokens + u.output_tokens) AS unknown_token_calls,
  sum(u.usd) AS usd,
  count(*) FILTER (WHERE u.usd IS NULL) AS unknown_price_calls,
  round(sum(u.seconds), 3) AS seconds
FROM used u JOIN episode e ON e.id = u.episode
GROUP BY e.run, u.model, u.seat;

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

-- forgetting: one row per reading of a trial of forgetting.
--   trial, bench (agents, weights, probe, sequence), setting (environment, benchmark and split, or agent), scope, target,
--   method, seed, probe, value, low, high (bounds of value at level), twin (the never-exposed twin), knew (the agent before), lift
--   (value - twin: 0 is as if never exposed), recovered (where value stands from twin, 0, to knew, 1; NULL where these
--   are equal), better (lower, higher, twin), seconds (what forgetting took), at.
CREATE VIEW IF NOT EXISTS forgetting AS
SELECT t.id AS trial, t.bench, t.setting, t.scope, t.target, t.method, t.seed,
  r.probe, r.value, r.low, r.high, r.twin, r.knew, r.value - r.twin AS lift,
  CASE WHEN r.knew <> r.twin THEN (r.value - r.twin) / (r.knew - r.twin) END AS recovered,
  r.better, r.level, t.seconds, t.at
FROM trial t JOIN reading r ON r.trial = t.id
WHERE t.status = 'over';

-- leaks: the readings in which something comes out that does not from the twin, the largest first.
--   trial, bench, setting, scope, target, method, seed, probe, value, twin, knew and lift as in forgetting; sure is 1
--   where the whole interval of the value lies above the twin's.
CREATE VIEW IF NOT EXISTS leaks AS
SELECT trial, bench, setting, scope, target, method, seed, probe, value, twin, knew, lift,
  CASE WHEN low > twin THEN 1 ELSE 0 END AS sure
FROM forgetting
WHERE lift > 0 AND (probe LIKE '%leak%' OR probe LIKE 'adversary%' OR probe LIKE 'residue%' OR probe LIKE 'extraction%'
  OR probe LIKE 'refusal%' OR probe LIKE 'relearn%' OR probe LIKE 'rewrites%' OR probe LIKE 'quantiz%'
  OR probe LIKE 'watcher%' OR probe LIKE 'social%' OR probe LIKE 'backflow%' OR probe LIKE 'told%')
ORDER BY lift DESC;

-- sequences: one row per reading after a request of a sequence that was made of a model's weights (arena sequence-weights).
--   trial, kind (sequence: each request of the model that the one before left; sizes: each of the model that knew), method,
--   seed, step (1, 2, …), request (the split it names), target (the split that is asked for: of this request, or an earlier
--   one; kept: what no request names), probe, value, low, high, twin (never taught what the requests so far name), knew, lift
--   as in forgetting, seconds (what the request took), at.
CREATE VIEW IF NOT EXISTS sequences AS
SELECT t.id AS trial, CAST(json_extract(t.spec, '$.kind') AS TEXT) AS kind, t.method, t.seed,
  CAST(json_extract(t.spec, '$.step') AS INTEGER) AS step, t.target AS request,
  CAST(json_extract(r.detail, '$.target') AS TEXT) AS target, CAST(json_extract(r.detail, '$.label') AS TEXT) AS probe,
  r.value, r.low, r.high, r.twin, r.knew, r.value - r.twin AS lift, t.seconds, t.at
FROM trial t JOIN reading r ON r.trial = t.id
WHERE t.bench = 'sequence' AND t.status = 'over' AND CAST(json_extract(t.spec, '$.step') AS INTEGER) > 0;

-- receipts: one row per request to forget that was carried out; the request does not name its target.
--   request, agent, scope, targets (how many), method, epoch (how often the agent has forgotten by now), events and
--   notes (removed), rewritten (notes), kept (notes from the target that are still there), named (texts that still name
--   it), collateral (notes gone that the twin has), lacking (notes that the twin has and it lacks), rows (of events and
--   notes deleted or overwritten), exact (1: the memory is the twin's), calls and tokens (of models, for it), seconds, at.
CREATE VIEW IF NOT EXISTS receipts AS
SELECT q.id AS request, q.owner AS agent, q.scope, q.targets, CAST(json_extract(q.method, '$.name') AS TEXT) AS method, q.epoch,
  CAST(json_extract(q.receipt, '$.events') AS INTEGER) AS events, CAST(json_extract(q.receipt, '$.notes') AS INTEGER) AS notes,
  CAST(json_extract(q.receipt, '$.rewritten') AS INTEGER) AS rewritten, CAST(json_extract(q.receipt, '$.kept') AS INTEGER) AS kept,
  CAST(json_extract(q.receipt, '$.named') AS INTEGER) AS named, CAST(json_extract(q.receipt, '$.collateral') AS INTEGER) AS collateral,
  CAST(json_extract(q.receipt, '$.lacking') AS INTEGER) AS lacking, CAST(json_extract(q.receipt, '$.rows') AS INTEGER) AS rows,
  CAST(json_extract(q.receipt, '$.exact') AS INTEGER) AS exact, CAST(json_extract(q.receipt, '$.calls') AS INTEGER) AS calls,
  CAST(json_extract(q.receipt, '$.tokens') AS INTEGER) AS tokens, q.seconds, q.at
FROM request q;

-- The prompts of an episode are shown by `arena show EPISODE --prompts`. A whole prompt, first message first, from its id in
-- `calls.prompt` (a view cannot be given an id, so this is a query):
--
--   WITH RECURSIVE chain(id, parent, role, text, above) AS (
--     SELECT id, parent, role, text, 0 FROM message WHERE id = 1234567890
--     UNION ALL
--     SELECT m.id, m.parent, m.role, m.text, above + 1 FROM message m JOIN chain ON m.id = chain.parent)
--   SELECT role, body FROM chain JOIN text ON text.id = chain.text ORDER BY above DESC;
--
-- Slow on large databases, because they read every row: `leaderboard`, `head_to_head`, `survival`, `concession` and
-- `spend` (all episodes, rounds, offers or calls), and `runs`, `episodes` without a condition on id or run when their
-- counts are selected.
