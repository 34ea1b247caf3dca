"""Lexicon of price extraction: words that distinguish money from other numbers, and that modify it; all lower case."""

import re


def word_set(words: str) -> frozenset[str]:
    """The words of a text, separated by spaces."""
    return frozenset(words.split())


CODE = (
    r"(?:usd|eur|gbp|cad|aud|nzd|chf|jpy|cny|rmb|inr|rub|brl|mxn|sek|nok|dkk|pln|czk|huf|krw|sgd|hkd|ils|aed|sar|thb|"
    r"idr|php|vnd|zar|uah|zup)"
)
SYMBOL = "[$€£¥₹₩₽₺₴₫฿₦₱₪₡₲₵]"
SIGN = rf"(?:(?:us|ca|au|nz|hk|r|s)?\$|{SYMBOL}|(?<![^\W\d]){CODE}|\b(?:rs|kr|fr)\b\.?)"
NAME = (
    r"(?:(?:swiss|us|american|canadian|australian|british|singapore) )?"
    rf"(?:{CODE}|kr\b|dollars?|bucks?|euros?|pounds?|quid|coins?|francs?|yen|yuan|rupees?|rou?bles?|pesos?|kron(?:a|or|er|e)|"
    r"zloty(?:s|ch)?|lira|dirhams?|shekels?|руб(?:лей|ля|ль)?|евро|доллар(?:ов|а)?)"
)
SIGN_BEFORE = re.compile(rf"(?<!\d)(?<!\d\s){SIGN}\s{{0,2}}[-−]?\s?$|(?<=\d\s){SIGN}[-−]?$|(?<=\d){SIGN}[-−]?$")
SIGN_AFTER = re.compile(
    rf"\s{{0,2}}(?:{NAME}|cents?|pence|ct)\b|\s{{0,2}}{SYMBOL}(?!\d)|\s?(?:¢|zł|美元|元|块|円|圓|원|ドル|ユーロ)|p\b"
)
CENTS_AFTER = re.compile(r"\s{0,2}(?:cents?|pence|ct)\b|\s?¢|p\b")
CURRENCY_BETWEEN = re.compile(  # text between a price and its cents: "12€50", "12 € 50", "5 dollars and 50 cents"
    rf"(?:{SYMBOL}|\s?{SYMBOL}\s|\s{NAME}\s|(?P<bare>\s))(?P<and>and\s)?"
)
A_DOLLAR = re.compile(r"\ba(?=\s(?:dollar|buck|euro|quid)\b)")
# where a currency is written with a comma for decimals, and a dot for thousands; # stands for the number
COMMA_COUNTRY = re.compile(
    r"(?:€|\beur|\bbrl|r\$)\s{0,2}#|#\s{0,2}(?:€|eur\b|euros?\b|brl\b|kron|sek\b|nok\b|dkk\b|pln\b)"
)
ROUGHLY = re.compile(r"^\s?-?ish\b")
MINUS = re.compile(rf"(?:^|[\s(:=])(?:[-−]\s?{SIGN}\s?|(?:{SIGN}\s?)?[-−])$")
PERCENT = re.compile(r"\s?(?:%|percent|per cent|pct)")
CHANGE_AFTER = re.compile(
    r"\s?(?:%|percent|per cent|pct)\s(?:off|of (?:your|my|the|that|this|it|what)|on|less|more|discount|below|above|"
    r"under|over|cheaper|lower|higher|down|up|reduction|increase|extra)\b|\s?(?:%|percent|per cent|pct)\sof (?=\W?\d)"
)
CHANGE_BEFORE = re.compile(
    r"\b(?:discount of|reduction of|increase of|by|knock|shave|take off|minus|less|plus|another|"
    r"save(?: you)?)\s(?:an? )?$"
)
# what makes another amount of a price: a share or a multiple of it, something added or taken away
REST_BEFORE = re.compile(
    r"(?:\b(?:half|halve|thirds?|quarters?|fifths?|tenths?|fraction|portion|percent|pct|double|twice|triple|times)|%|\d/\d|"
    rf"[½¼¾⅓⅔])(?:\s(?:of|off|on|from|your|my|the|that|an?|less than|more than|below|above))*\s?(?:{SIGN}\s?)?$|"
    rf"(?:\bplus\s|\bminus\s|\+\s?|[*×÷]\s?|\d\s?x\s?|\d less |(?:discount|reduction) (?:on|from) )(?:{SIGN}\s?)?$"
)
UNKNOWN_SCALE = re.compile(r"\s?(?:mm|mil|mln|mrd|mlrd|tn|trillion|crs?|l|m|b|t)\b")
REST_AFTER = re.compile(
    rf",\s\d{{3}}(?!\d)|\s?(?:\+|[*×÷]|/\s?\d|x\s?\d)|\s(?:plus|minus|times|less (?:{SIGN}\s?)?\d)\b"
)
NUMBERED = r"(?:two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|dozen|couple|pair|both|[2-9]|[1-9]\d\d?)"
NO_THING = (
    rf"(?!{NAME}\b|cents?\b|percent|%|minutes?|hours?|days?|weeks?|months?|years?|times|rounds?|messages?|offers?)"
)
COUNT = re.compile(rf"\b{NUMBERED}\s(?:of (?:them|those|these|it|your|the|my)|more\b|{NO_THING}[^\W\d]+s\b)")
MANY_FOR = re.compile(
    rf"(?:\b{NUMBERED}\s(?:(?:of|more)\s\w+\s|{NO_THING}[^\W\d]+s\s)(?:for|at|@)|"
    rf"(?:^|[.!?,;:]\s|\b(?:all|and|any|buy|do|get|have|me|need|of|offer|sell|take|them|us|want|you)\s){NUMBERED}\sfor)"
    rf"\s(?:only |just |about )?(?:{SIGN}\s?)?$"
)
FOR_MANY = re.compile(
    rf"\sfor\s(?:the |all |all the )?(?:{NUMBERED}(?=\s?[.,;:!?)]|\s?$|\s(?:of|and|or|but|then|together|in|if|each)\b|"
    rf"\s{NO_THING}[^\W\d]+s\b)|lot\b|set\b)"
)
EACH_AFTER = re.compile(r"\s?/\s?[^\W\d]|\s(?:each|apiece|a piece|a pop|per|a unit|an item)\b")

# What makes a number without a currency no price: 3pm, 5th, 1/2, 10:30, 5-star, 2024-05-06, 3 x 4, 3 of 5, v2, #3
GLUED_AFTER = re.compile(r"[^\W\d]|_|[/:]\d|\s(?:out )?of \d|[-–][^\W\d]|[-–]\d+[-–]\d|\s?[x×]\s?\d|[°^@]")
GLUED_BEFORE = re.compile(r"(?:[^\W\d]|_|#|\d[/:.,]|\d[-–]\d+[-–]|\d\s?[x×]\s?|\d (?:out )?of )$")
LIST_BEFORE, LIST_AFTER = re.compile(r"(?:^|\n)\s*$"), re.compile(r"[.)]\s+[^\W\d]")
WORD_BEFORE, WORD_AFTER = re.compile(r"([^\W\d_](?:[^\W\d_]|')*)[\s~≈]+$"), re.compile(r"\s+([^\W\d_](?:[^\W\d_]|')*)")

# The word before, and after, a number that is a price: other words there make it a name or a count of things.
LEADERS = word_set("""
    a about above accept accepting afford again agree agreed all almost an and another approximately around as ask
    asked asking at be below best better between beyond bid bidding budget but charge charging cheap close
    closer consider cost costs counter counteroffer deal do down even exactly exceed fair final fine flat for
    from full get give giving go going have hmm honestly how i'd i'll if is it it's just keep last least leave
    less let's like limit low lower lowest make making max maximum maybe meet mere merely min minimum more most
    name near nearly need never no not now of offer offered offering offers ok okay only or over paid past pay
    paying perhaps point price probably propose quote quoted rather reach really roughly said say see sell
    selling settle settled so spend still suggest sure take taking target than that that's then think to toward
    towards trade under until up want was well with without work works worth would yes you your
""")
FOLLOWERS = word_set("""
    a about actually again all already also always an and any anyway apiece as asap at bargain because before
    bid but by can can't cannot cash could deal do does doesn't don't each either even exactly extra final
    finally firm fits flat for friend from good has here hmm honestly i i'd i'll i'm i've if in instead is isn't
    it it's just kindly later like looks max maximum may maybe min minimum minus more must my never no not now
    of offer ok okay on only or otherwise out per perhaps plain please plus price rather really right seems
    shall should since sir so sounds still straight sure than thanks that that's the then there this though
    through to today together tomorrow tonight too tops total under unless until up upfront was we we'd we'll
    we're what when which while will with within without won't work works would wouldn't yes yet you you'd
    you'll you're your yours
""")
PRICE_WORDS = re.compile(
    r"\b(?:tak|accept|pa(?:y|id)|offer|s[eo]l[ld]|buy|bought|pric|ask|bid|deal|cost|worth|giv|settl|agree|counter|"
    r"afford|spen[dt]|budget|charg|quot|propos|target|limit|final|meet|how about|what about|make (?:it|that)|"
    r"let (?:it|you)|have it|fine|works?\b|do\b|go\b|going (?:to|as|up|down|below|above|under|"
    r"over|lower|higher|for)|say\b|between\b|"
    r"want|need|cash\b|too (?:low|high|much|little|steep)|reasonable|fair\b|enough|drop|lower|rais|down to|up to|not\b|"
    r"no\b|n't\b|at (?:least|most)|in the range|ok\b|okay\b|sure\b|mine for|yours\b|as (?:high|low) as|please|i'm at|"
    r"(?:down|up|from|back) (?:to|from|at)\b)"
)

CLAUSE = re.compile(
    r"[.!?;:]\s|[;\n]|,\s|\s[-–]\s|—|\bbut\b|\bhowever\b|(?<=\d)\s(?=(?:i|i'd|i'll|we|let|let's|you|make)\b)|"
    r"\b(?:and|so) (?=(?:i|you|we|let|i'd|i'll|i'm|let's|we'd|maybe)\b)"
)
SENTENCE = re.compile(r"[.!?]\s|[;\n]")
NEGATOR = re.compile(
    r"\b(?:not|no|never|neither|nor|nothing|cannot|without|hardly|instead of|rather than|refuse|reject|decline|unable|"
    r"far from|forget|away from|unwilling|too (?:low|high|much|little|steep|expensive))\b|n't\b"
)
HARMLESS = re.compile(
    r"\bwhy not\b|\bno (?:problem|doubt|worries|issue)\b|\bnot (?:only|just|a problem|bad|unreasonable|unfair)\b|"
    r"(?:n't| not) mind\b|n't (?:you|we|that|it be)\b|\bcan(?:not| not) you\b"
)
# "less than 15" alone is not 15; after a negator ("no less than 15", "can't go below 15") it is the speaker's limit
LIMIT = re.compile(
    r"\b(?:(?:less|lower|more|higher|greater|cheaper|better|further|beyond|worse) than|below|under|above|over|beyond|"
    r"past|exceed|short of)(?: (?:about|around|exactly|your|the|my|a))?\s*\S{0,4}$"
)
BE = r"(?:(?:'s|’s|(?:really |still |just |simply )?(?:is|was|are|seems|feels|sounds|looks|would be|'d be))(?: \w+)?)"
REJECTED = re.compile(
    rf"\W{{0,2}}(?:\s?(?:offer|bid|price|ask|asking price|is what you))?\s?,?\s?(?:that |it )?"
    rf"(?:{BE} (?:just |still |far |way |much |a (?:bit|little|tad|touch) )*(?:too |so |rather )?"
    r"(?:low\b|high\b|steep|much\b|little\b|expensive|(?:more|less|higher|lower) than|"
    r"(?:above|below|over|under|beyond|outside) (?:my|our|what)|"
    r"out of|impossible|unacceptable|unreasonable|unfair|insulting|ridiculous|"
    r"never\b)|"
    r"(?:is|was|does|do|will|would|ca|wo|could|did|has)(?:n't| not)\b"
    r"(?! (?:mind|only|just|a problem|unreasonable|unfair|(?:too |so |that )?bad)\b))|"
    r"\W{0,2}\s?[?!]+\s+"
    r"(?:no\b(?! problem)|never|impossible|(?:that|it)(?:'s| is) (?:\w+ )?(?:too|not|ridiculous|insulting))"
)
# "$2 off", "come down by 2", "two dollars more": a difference between prices is not a price
DIFFERENCE_AFTER = re.compile(
    r"\s(?:off\b|less\b|more\b|discount|cheaper|extra|lower\b|higher\b|apart|below|above|under your|over your)"
)
DIFFERENCE_BEFORE = re.compile(
    r"\b(?:by|knock|shave|another|save(?: you)?|add|extra|discount of|gap of|within)\s\S{0,3}$"
)

BETWEEN = re.compile(r"\b(?:between|in the range of|rang(?:e|ing) from)\b[^.!?\d]{0,14}$")
LEFT_BEHIND = re.compile(  # "come down from 20 to 15": 20 is given up
    r"\b(?:anything|everything|all|any price) but\s\S{0,3}$|"
    r"\b(?:com|came|went|drop|lower|mov|rais|increas|reduc|cut|bring|down|up|go)\w*\b[^.!?\d]{0,24}\bfrom\b[^.!?\d]{0,14}$"
)
JOINED = re.compile(  # text between the two numbers of a range
    rf"(?:{SIGN_AFTER.pattern})?(?:(?P<dash>\s?[-–]\s?|—)|\s(?:and up )?(?P<to>to)\s|\s(?P<and>and)\s|,?\s(?P<or>or)\s)"
    rf"(?:(?:about|around|maybe|perhaps|even)\s)?(?:{SIGN}\s?)?\.?"
)
