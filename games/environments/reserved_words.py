"""Words that an invented name must not be: everyday English, well-known places, first names and makers."""

WORDS = """
basket batten beast bitten bullet burden burst button carven carved castor cellar collar costa current curtain dollar
dozen driven druid earnest fallen fallor fasta fastest fasten favor favour fester forest frozen furnish garden garnet
garlic given gorilla governor grazes griller grove harvest hasta hasten haven helmet hidden hollen horrid horror
humbug hornet jester kitten lantern lesson listen lumber lustre marven master mellor member merlin millen miller minor
mirror mortar mustard mustang novel nuzzle oven paella pasta pastor paster pillar pillor pistol plaza plasma poster
posted posta ravel raven razor reaver rector reven revor revolt roster rosten rotten sadden sallor sculpt seller
sender seven silken siller skillet sliver sunken taller tavern teller tellis temper tennis tender thicken thunder
timber tindral travel travis trellis trolley trumpet turnip vanilla varnish vellum velvet vendor verdun vessel vestal
vestor victor villa villain villar virus vista visor volume voxel vulva walnut zestor aldis anders aston austin barnum
belvoir bendis benten berlin bolivar boston braska brandis braun brest brista brutus calvin carlisle celine chester
clarin costen dallas daven davis della delvis dennis desta devon divis divor dolores drexel dresden dublin elvis
fendis fresno gallus geneva genoa gillis gonna grendel gusta gustav hallis hellas hendrix histor horus hudson ibsen
jasmin jensen jordan juven kelvin kendra kenneth kolkata kosten kremlin lagos larvik laurel lenox linda lindor lisbon
lista london loren loven lucerne lumba magnus mandela marcel marlin marvel marvin mauritius melvin millis milner mirna
mombasa morris moscow mozilla naples narvik nazis nebraska nelson nestor nixon norvik oslo oxford palermo persis pixar
plovdiv preston rella rosen rozen rustin samsung sander sandra sendai silesia sinatra solden stella sylvan tallis
tallinn thebes thernet thorn thrust tolkien travolta trevor trieste tudor ursula valen valencia vander vanden velden
vendis venice vernon vienna vilnius virgil viston volvo walden warner xerox yamaha zagreb zanzibar zenit zilla zillor
zoroaster about above across action active actor address advance advice afraid after again against agent agree ahead
allow almost alone along already always among amount anger angle animal answer appear apple area argue army around
arrive article artist asleep attack august aunt autumn avoid award aware badly balance ball bank base bath bean bear
beat beauty because become before begin behind belief bell belong below bench bend beside better between beyond bird
birth bitter blade blame blank blanket blind block blood board body bone book border borrow bottle bottom bowl brain
branch brave bread break breath brick bridge brief bright bring broad broken brother brown brush build burn butter
cable cake call calm camera camp candle capital captain card careful carry castle catch cattle cause center central
certain chain chair chance change charge cheap check cheese chicken chief child choice choose church circle citizen
city claim class clean clear clever climb clock close cloth cloud coach coast coffee cold collect college colour
column comfort command common company compare complete concern confirm connect consider contain content contest
control cook copper copy corner correct cost cotton council count country couple courage course court cousin cover
crash cream create credit crime cross crowd crown culture cup cure custom cut daily damage dance danger dark daughter
dear death debate decide deep defend degree deliver demand depend desert desire desk detail develop device dinner
direct discover discuss distant divide doctor double doubt dream dress drink drive during early earth easily eastern
economy educate effect effort eight either elder elect eleven empty enemy engine enjoy enough enter entire equal
escape evening event every exact example except excite expect expert explain express extend extra extreme factor
factory fail faith false familiar family famous farmer father fault fellow female fence field fight figure final
finger finish first flame floor flour flower follow foreign forget forgive form fortune forward freedom fresh friend
front fruit future gather general gentle gift glad glass golden goods grain grand grass great green ground group grow
guard guess guest guide habit half hammer hand happen happy harbour hard hardly harm heart heat heaven heavy height
history holiday hollow home honest honour hope horse hospital hotel house human humble hungry hunt hurry husband
imagine improve include increase indeed inform inside instead intend interest invite island itself join journey judge
juice jump just justice keep kettle kill kind king kitchen knee knife knock know labour ladder lady lake land language
large laugh leader learn least leather leave length letter level library light likely limit lion lip liquid little
local lonely lower luck lunch machine magic manage manner market marriage marry matter meal measure meat medicine meet
melt memory metal method middle milk mind minute mistake model modern moment money monkey month moral morning mother
motion mountain mouth music narrow nation nature nearly necessary neck needle neighbour neither nerve never nobody
noise none noon normal north nose note nothing notice number oblige observe occur ocean offer office often orange
order organ origin other ought outer outside over owner packet page pain paint pair palace paper parcel pardon parent
park part partner party passage past path patient pattern pause peace pencil people perfect perhaps person picture
piece place plain plan plane plant plate play pleasant please plenty pocket poem poet point poison police polite pool
poor popular position possess post potato pound poverty powder power praise pray prefer prepare present press pretty
prevent price pride priest print prison private prize problem process produce promise proof proper protect proud prove
provide public pull punish pupil pure purpose push quality quarter queen question quick quiet quite radio railway rain
raise rapid rare rather reach ready real reason receive recent record reduce refer reflect refuse regard regret
regular relate relieve religion remain remark remember remind remove rent repair repeat reply report request rescue
respect rest result retire return reveal reward rice rich ride right ring rise river road roast rock roll roof room
root rope rough round route royal rubber rude ruin rule ruler safe sail salary salt same sample sand satisfy save
scale scene school science search season seat second secret secure seed seem select self sell send sense separate
serious servant serve service settle several severe shade shadow shake shall shame shape share sharp sheep sheet shelf
shell shelter shine ship shirt shock shoe shop shore short should shoulder shout show shower sick side sight sign
signal silence silver similar simple since sing sink sister size skill skin skirt sleep slight slip slope slow small
smell smile smoke smooth snake snow social society soft soil soldier solid solve some song soon sorry sort soul sound
soup south space speak special speech speed spell spend spirit spite splendid spoil spoon sport spread spring square
staff stage stain stair stamp stand star start state station stay steady steal steam steel steep step stick stiff
still stock stomach stone stop store storm story straight strange stream street strength stretch strict strike string
strong student study stupid subject succeed such sudden suffer sugar suggest suit summer sun supper supply support
suppose sure surface surprise swallow swear sweep sweet swell swim sword sympathy system table tail take talk tall
taste teach team tear telephone tell tempt tend tent term terrible test than thank theatre then theory thick thief
thin thing think thirst thirty though thought thread threat throat through throw thumb ticket tight till time title
today toe together tomorrow tongue tonight tool tooth total touch tour toward tower town trade train translate trap
treasure treat tree tremble trial tribe trick trouble true trunk trust truth turn twist type ugly umbrella uncle under
union unite unity universe unless until upper upset urge urgent useful usual valley value variety various verb very
view village violent virtue visit visitor voice vote vowel voyage wage waist wait wake walk wall wander want warm warn
wash waste watch water wave weak wealth weapon weather weave wedding weigh welcome well west wheat wheel when while
whip whisper whistle white whole wide widow wife wild willing win wind window wine winter wire wise wish within
without witness woman wonder wood wool word work world worm worry worse worship worth would wound wrap wreck wrist
write wrong yard year yellow yesterday yield young youth zebra zero
"""
COMMON = frozenset(WORDS.split())
