"""Words and names that an invented name must not be: everyday English, well-known places, first names and makers."""

COMMON = frozenset(
    """
    basket batten beast bitten bullet burden burst button carven carved castor cellar collar costa current curtain
    dollar dozen driven druid earnest fallen fallor fasta fastest fasten favor favour fester forest frozen furnish
    garden garnet garlic given gorilla governor grazes griller grove harvest hasta hasten haven helmet hidden hollen
    horrid horror humbug hornet jester kitten lantern lesson listen lumber lustre marven master mellor member merlin
    millen miller minor mirror mortar mustard mustang novel nuzzle oven paella pasta pastor paster pillar pillor pistol
    plaza plasma poster posted posta ravel raven razor reaver rector reven revor revolt roster rosten rotten sadden
    sallor sculpt seller sender seven silken siller skillet sliver sunken taller tavern teller tellis temper tennis
    tender thicken thunder timber tindral travel travis trellis trolley trumpet turnip vanilla varnish vellum velvet
    vendor verdun vessel vestal vestor victor villa villain villar virus vista visor volume voxel vulva walnut zestor
    aldis anders aston austin barnum belvoir bendis benten berlin bolivar boston braska brandis braun brest brista
    brutus calvin carlisle carven celine chester clarin costen dallas daven davis della delvis dennis desta devon
    divis divor dolores drexel dresden dublin elvis fendis fresno gallus geneva genoa gillis gonna grendel gusta gustav
    hallis hellas hendrix histor horus hudson ibsen jasmin jensen jordan juven kelvin kendra kenneth kolkata kosten
    kremlin lagos larvik laurel lenox linda lindor lisbon lista london loren loven lucerne lumba magnus mandela marcel
    marlin marvel marvin mauritius melvin millis milner mirna mombasa morris moscow mozilla naples narvik nazis nebraska
    nelson nestor nixon norvik oslo oxford palermo persis pixar plovdiv preston rella rosen rozen rustin samsung sander
    sandra sendai silesia sinatra solden stella sylvan tallis tallinn thebes thernet thorn thrust tolkien travolta
    trevor trieste tudor ursula valen valencia vander vanden velden vendis venice vernon vienna vilnius virgil viston
    volvo walden warner xerox yamaha zagreb zanzibar zenit zilla zillor zoroaster
    about above across action active actor address advance advice afraid after again against agent agree ahead allow
    almost alone along already always among amount anger angle animal answer appear apple area argue army around arrive
    article artist asleep attack august aunt autumn avoid award aware badly balance ball bank base bath bean bear beat
    beauty because become before begin behind belief bell belong below bench bend beside better between beyond bird
    birth bitter blade blame blank blanket blind block blood board body bone book border borrow bottle bottom bowl
    brain branch brave bread break breath brick bridge brief bright bring broad broken brother brown brush build burn
    butter cable cake call calm camera camp candle capital captain card careful carry castle catch cattle cause center
    central certain chain chair chance change charge cheap check cheese chicken chief child choice choose church circle
    citizen city claim class clean clear clever climb clock close cloth cloud coach coast coffee cold collect college
    colour column comfort command common company compare complete concern confirm connect consider contain content
    contest control cook copper copy corner correct cost cotton council count country couple courage course court cousin
    cover crash cream create credit crime cross crowd crown culture cup cure custom cut daily damage dance danger dark
    daughter dear death debate decide deep defend degree deliver demand depend desert desire desk detail develop device
    dinner direct discover discuss distant divide doctor double doubt dream dress drink drive during early earth easily
    eastern economy educate effect effort eight either elder elect eleven empty enemy engine enjoy enough enter entire
    equal escape evening event every exact example except excite expect expert explain express extend extra extreme
    factor factory fail faith false familiar family famous farmer father fault fellow female fence field fight figure
    final finger finish first flame floor flour flower follow foreign forget forgive form fortune forward freedom fresh
    friend front fruit future gather general gentle gift glad glass golden goods grain grand grass great green ground
    group grow guard guess guest guide habit half hammer hand happen happy harbour hard hardly harm heart heat heaven
    heavy height history holiday hollow home honest honour hope horse hospital hotel house human humble hungry hunt hurry
    husband imagine improve include increase indeed inform inside instead intend interest invite island itself join
    journey judge juice jump just justice keep kettle kill kind king kitchen knee knife knock know labour ladder lady
    lake land language large laugh leader learn least leather leave length letter level library light likely limit lion
    lip liquid little local lonely lower luck lunch machine magic manage manner market marriage marry matter meal measure
    meat medicine meet melt memory metal method middle milk mind minute mistake model modern moment money monkey month
    moral morning mother motion mountain mouth music narrow nation nature nearly necessary neck needle neighbour neither
    """.split()
)
