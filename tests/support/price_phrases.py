"""Phrases with amounts of money, and what is to be read in them.

Each amount: 15 plain, "-15" rejected or a mere difference, "~15" one end of a range or one of two, "*15" the price of
several things or of each of several, "?" an amount of which nobody can tell which is meant. Nothing: no price at all.
"""

AMOUNTS = [
    # thousands and decimals of many countries
    ("1 500 €", "1500"), ("1\u00a0500 €", "1500"), ("my offer is 1\u202f500", "1500"), ("CHF 1'500", "1500"),
    ("CHF 1’500.50", "1500.5"), ("1'500", "1500"), ("$1 234 567", "1234567"), ("1 234,50 €", "1234.5"),
    ("1.500,00 €", "1500"), ("1,500.00", "1500"), ("1,5 €", "1.5"), ("$1,5", "1.5"), ("12,50 €", "12.5"),
    ("$12,345.67", "12345.67"), ("1.234.567,89 EUR", "1234567.89"), ("₹1,50,000", "150000"),
    ("Rs. 12,34,567.50", "1234567.5"),
    ("€ 1.500", "1500"), ("1.500 euros", "1500"), ("2.750 €", "2750"), ("£0.500", "0.5"), ("0,75 €", "0.75"),
    ("I would pay 1.500", "?"), ("I offer 2 500", "?"), ("2 500", "2500"), ("$1,5000", "?"), ("1.2.3 €", "?"),
    ("$1,2,3", "?"), ("1.5,00 €", "?"), ("1234,567 $", "?"), ("$1.50", "1.5"), ("$1.5", "1.5"),
    ("15,- €", "15"),
    ("$1,234", "1234"), ("USD 99.99", "99.99"), ("99,99 zł or 99,99 PLN", "~99.99 ~99.99"),
    # scales
    ("15k", "15000"), ("$15k", "15000"), ("1.2M", "1200000"), ("$1.2m", "1200000"), ("$1.5 million", "1500000"),
    ("€2 bn", "2000000000"), ("I'd pay 3 grand", "3000"), ("₹1.5 lakh", "150000"), ("₹2 crore", "20000000"),
    ("2万円", "20000"), ("¥3千", "3000"), ("15 hundred dollars", "1500"), ("$15 thousand", "15000"),
    ("1.5K", "1500"), ("$1e3", "1000"), ("$1.5e3", "1500"), ("I offer 25e-1 dollars", "2.5"), ("$1e9999", "?"),
    ("I need 5m of rope for my offer", ""), ("2,5 Mio €", "2500000"), ("15 тыс. рублей", "15000"),
    # cents behind the currency
    ("12 € 50", "12.5"), ("12€50", "12.5"), ("12 euros 50", "12.5"), ("12 dollars and 50 cents", "12.5"),
    ("five dollars fifty", "5.5"), ("£5 50p", "5.5"), ("a dollar fifty", "1.5"), ("a buck fifty", "1.5"),
    ("50p", "0.5"),
    ("fifty cents", "0.5"), ("75¢", "0.75"), ("12 € 50 people came", "12"), ("2 €50 notes", "50"),
    ("$12 50", "?"),
    ("3 dollars and 5 cents", "3.05"), ("7 francs 20", "7.2"), ("12 dollars 50 percent off", "12 ?"),
    # English number words
    ("fifteen dollars", "15"), ("Fifteen fifty and it's yours", "15.5"), ("twenty-five hundred", "2500"),
    ("a hundred and five dollars", "105"), ("fifteen and a half", "15.5"),
    ("I offer fifteen and a half", "15.5"),
    ("I could do twenty", "20"), ("one hundred twenty-three dollars", "123"), ("two thousand bucks", "2000"),
    ("fifteen point five", "15.5"), ("half a million dollars", "500000"),
    ("two and a half thousand euros", "2500"),
    ("nineteen ninety-nine", "19.99"), ("twelve oh five", "12.05"), ("a dollar", "1"), ("one dollar", "1"),
    ("not fifteen, I would take thirteen", "-15 13"), ("between ten and twelve dollars", "~10 ~12"),
    ("ten or twelve dollars", "~10 ~12"), ("I can't go below eighteen", "18"), ("fifteen is too low", "-15"),
    ("two fifty", "?"), ("make it two", "?"), ("fifty-fifty", "?"), ("a hundred and two thousand dollars", "?"),
    ("this one is nice", ""), ("no one would pay for two of them", ""), ("give me five minutes, please", ""),
    ("I want three balloons", ""), ("ninety-nine percent of buyers accept", ""), ("my second offer", ""),
    ("thirteen hundred and fifty dollars", "1350"), ("a thousand two hundred euros", "1200"),
    ("zero dollars", "0"),
    ("I'd go as high as thirty-two fifty", "32.5"), ("eleven bucks", "11"), ("FIFTEEN DOLLARS", "15"),
    # parts, multiples, sums, percentages
    ("half of $20", "?"), ("half $20", "?"), ("a third of $30", "?"), ("double your $8", "?"),
    ("twice $10", "?"),
    ("10% of $50", "? ?"), ("10% off", "?"), ("20 percent less", "?"), ("$15 + $2 shipping", "? ?"),
    ("$15 plus $2 for shipping", "? ?"), ("$15 plus tax", "?"), ("$20 minus 10%", "? ?"),
    ("$20 less $3", "? ?"),
    ("3 × $5", "? ?"), ("3 x $5", "?"), ("$30/2", "?"), ("3/4 of $20", "?"), ("100% sure", ""),
    ("I agree 100%", ""),
    ("10% off $50", "? ?"), ("15½ dollars", "15.5"), ("15 1/2 dollars", "15.5"), ("$7¾", "7.75"),
    ("three times $5", "?"), ("$15, plus a smile", "15"), ("a 5% discount on $40", "? ?"),
    # several things
    ("two for $30", "*30"), ("$30 for two", "*30"), ("$5 each, four of them", "*5"),
    ("3 balloons for $12", "*12"),
    ("$5 apiece for both of them", "*5"), ("$15 each", "15"), ("$12 per balloon", "12"),
    ("$40 for the lot", "*40"),
    ("I'd take two more at $4 each", "? *4"), ("$20 in total", "20"), ("one balloon for $15", "15"),
    ("$9 for all three", "*9"), ("I pay $9 for 2 days", "9"),
    # ranges and alternatives
    ("$10–12", "~10 ~12"), ("between 10 and 12", "~10 ~12"), ("10 to 12 dollars", "~10 ~12"),
    ("$10 or $12", "~10 ~12"),
    ("€10-€12", "~10 ~12"), ("between $10 and 12", "~10 ~12"), ("10 or even 12 dollars", "~10 ~12"),
    ("somewhere from $10 to $12", "~10 ~12"),
    # rough
    ("£12-ish", "12"), ("about $12", "12"), ("I'd say 12-ish", "12"), ("around twelve dollars", "12"),
    ("~$12", "12"),
    ("roughly 12 bucks", "12"), ("$12ish", "12"),
    # digits of other scripts, other currencies, minus
    ("１５ドル", "15"), ("＄１５．５０", "15.5"), ("١٥ dollars", "15"), ("१५ rupees", "15"), ("15元", "15"),
    ("我出15块", "15"),
    ("300円です", "300"), ("５００円", "500"), ("15 руб.", "15"), ("1500 рублей", "1500"), ("20 долларов", "20"),
    ("−5", "-5.0"), ("I offer −5", "-5.0"), ("-$5", "-5.0"), ("₩15,000", "15000"),
    ("kr 2 500 for the boat", "2500"), ("3'000 Swiss francs", "3000"),
    ("Make that sixteen seventy-five", "16.75"), ("2 500 kr", "2500"), ("Fr. 1'500", "1500"),
    ("R$ 15,50", "15.5"),
    ("15 kr, 15 kronor", "15 15"),
    # differences
    ("$2 off", "-2"), ("knock $2 off", "-2"), ("a dollar less", "-1"), ("two dollars more", "-2"),
    ("by $3", "-3"),
    ("another five bucks", "-5"), ("ten bucks cheaper", "-10"),
    # dates, times, quantities beside amounts
    ("$15 by 5pm", "15"), ("$15 on 2024-05-06", "15"), ("deal by 3:30 at $14", "14"),
    ("In 2024 it was $18 at most", "18"),
    ("I offer 12 for the 3rd time", "12"), ("2 weeks ago I paid $9", "9"),
    ("round 3 of 5: thirteen dollars", "13"),
    ("iPhone 12 for $500", "500"), ("iPhone 12 500 dollars", "?"), 
    ("I bought it on 5 May for $8", "8"), ("it is 15 km away, I'd pay $6", "6"), ("5/6/2024", ""),
    ("offer #15", ""),
    ("version 1.2.3 for $5", "5"), ("size 42, $30", "30"), ("a 15-inch screen for $80", "80"),
    # refused
    ("not $15, $17", "-15 17"), ("never $15", "-15"), ("$15? No way. $17.", "-15 17"),
    ("not fifteen but seventeen", "-15 17"),
    ("I said $17, not $15", "17 -15"), ("$15 is out of the question, $17", "-15 17"),
    ("anything but $15", "-15"),
    ("instead of €15 I ask €17", "-15 17"), ("I refuse fifteen dollars", "-15"),
]  # fmt: skip
