"""Words that decide doubtful cases: names that are also words, particles, platforms, providers."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# English words that are also given names or surnames: in running text they stand for themselves unless
# they are written as a name is written. Folded; words of one or two letters are always treated this way.
AMBIGUOUS = _words("""
abbey abbot able about above ace acre across after again against ago ah aha aid all ally almost along alpha
already also although always amber ambrosia amen among anchor and angel angelic anger animal another answer
ant any anybody anything apple april arch archer are arm around art ash ask asked ate august author autumn
away ay aye baby back bad bag baker ban bang banks banner bar barn baron barrow bass bat bay beach bean beard
beauty because becker bed bee been beg began begin behind being believer bell below bent berry beside besides
best bet better between beyond bid big bill bills bin birch bird bishop bit black blade blank bless blessed
blessing bliss bloom blossom blue blunt bob body bold bond bone book boot boss both bow bowl bowler bowman
box boy brace branch brand brave bray bread brew brewer brick bridge brief bright bring broad brook broom
brother brown buck buckle bud budge bug builder bull bullock bun bunting burn burns bus bush but butcher
butler button buy cab call called calm cam came camp can candle cane cannon canon cap captain car caramel
card carol carp carpenter carver case cash castle casual cat chamber chambers champion chance change chap
chaplain charity charm chase chastity chat cherry chess chew chief child chin china chow christian chum
church cider circle city clarity class clay clear clerk clever cliff close closed cloud clove coach coal
coast cock cod code coffee coffin coin cold college combs come comfort con conquest constant cook coral corn
corner cotton could country counts court cousin cove cow coward craft cramp crane cream crew crisp crook
cross crow crown cruise cry crystal cub cue cumin cup current curry curtain cut cutter cycle dad daily daisy
dale dam damp dance dancer dark dart dash data daughter dawn day deal dean dear dearth debate december deep
deer degree delight dell den dent depth derby design designer desire destiny devil dew dial diamond dice did
die died dim din dip dish divide divine dock doctor doctrine doe does dog dollar don done door dot dough dove
down dragon drain drake draper dream dreamer drew driver drop drover drum dry dub duck due dug duke dune duo
during dusk dust dwell dyer each eager eagle ear earl early earnest earth east easter eastern easy eat ebony
echo edge egg ego eight either elder elegant eleven elf elm ember emerald end endurance english enough equal
era essay essence estate eternity ethical eve even ever every everything evident exam excel exchange extra
eye fable face faint fair faith falcon fall false fame family fan fancy fang far farm farmer fast fat father
favor favour fay feast feather february fed fee feel fell fellow felt fen fern few fiddler fidelity field fig
fin finch find fine fire first fish fisher fit fix flag flash fleet flight flint flood flora flow flower fly
fog foil fold follow food fool foot for force ford fore forest fork forth fortress fortunate fortune foster
found fountain fox frame frank free freedom french fresh friday friend friends fright from frost fry full fun
fur furlong fury gale gallant game gang gap garden gardener gas gates gaunt gave gay gel gem gene general
genesis gentle get giant gift gifted gig gin ginger girl give given giver glad glade glass gleam global glory
glover goat god godly godsend gold golden goldsmith gone gong good goodluck goodness goose gore gospel got
grace grade grain grand grant grape grass grateful grave gravel graves gray great green grew grey grim groom
ground group grove grow guard guess guest gulf gully gum gun gut guy hack had hail hale hall ham hammer hand
hang happy hard hardy hare harmony harp harsh hart has hash haste hat hatch have haven hawk hay hazard hazel
head health hear heard heart heath heather heaven hedge held help helper hem hen her herd here hero hew hey
hid hide high hill hills him hip his hit ho hoar hobby hog hold holder hole holes holiday hollow holly holm
home honest honey honor honour hood hook hop hope horde horn horse host hot hour house hover how hub hug huge
hull human humble hundred hung hunger hunt hunter hush husk hut ice idea ill imagine infinity ink inn
innocent integrity into iris iron issue its ivory ivy jack jade jam january jar jasmine jaw jay jazz jester
jet jewel jewels jig job jog joiner joke jolly jot journey joy joyful jubilee judge jug july jump june junior
just justice keen keep ken kept kettle key kid kin kind king kiss kit kitchen kite knew knight knot know
known label lace lack lad ladder lady lag laid lake lam lamb lamp land landing lane language lantern lap
larch large lark last late lath latter laughter laurel lavender law lawn lay lazy lea leader leaf leak lean
learn learned leather leave led ledge leech left leg legal legend lemon lent less let lets letter level lever
liberty lid lie life light like lily limb lime line link lion lip list lit little live lived lo load loan lob
local lock lodge loft log lone long loo look loop lord lose lost lot lotus loud lough love lovely low loyal
lucid luck lucky lung luo lush lusty lynch lynx mace mad made magic maid maiden major make maker mallow man
mandate manner manor many map maple marble march margin marine mark marker market mars marsh marshal marvel
marvellous marvelous mash mason mast master mat match mate math maverick max may maybe mayor mead meadow mean
meek meet mellow melody melon member memory men mention merchant mercury mercy merit merry mess met metal
mice might mighty mild mile milk mill miller million mills min mind mine miner ming minor mint minute miracle
miss mist mister model modest mole moment monday money monk month moody moon moor moral more morning moss
most moth mother mould mount mountain mouse move moved mow much mud mug muse music must myrtle mystery myth
nail name nan nap nation native nature nave near neat nectar need neither neon ness nest net never new next
nick night nil nimble nine nobility noble nobody nod noon nor norm north not nothing novel novella november
now number nun nurse nut oak oaks oar obedience ocean october odd off office often oh oil old olive once one
only opal open opened oracle orange orchard orchid order ore organ other otter our out outlaw over owl own pa
pace pack pad page paid painter pal palm palmer pan pane pansy panther paper paradise parent parish park
parsley parsons part partridge party pass passion pastor pat patch path patience patient patron patty paw
pawn pay pea peace peach peak pear pearl pebble peck peel pen penny people pepper perch perfect perhaps peril
perk person pet petal petty pew phoenix pick pickle pie pierce pig pigeon pike pilgrim pilot pin pinch pine
ping pinion pink pioneer pipe piper pit pitch pixie place plain plan planet plant plate play played player
pleasant pledge plenty plough plum plumber pod poet point pole polish poll pond pool pop pope poppy port
porter possible post pot potter pound power praise praiseworthy pray precious presence president pretty price
pride priest priestly prime prince princely princess print prior private prize pro problem professor profit
program progress project promise proper prophecy prophet prose prosper proud proverb providence pub public
pull pun pup pure purity purse push put puts queen question quick quiet quill quince quite rabbit rack
radiant rag raid rain rainbow rake rally ram ramp ran rang range ranger rank rap rapid rash rat rather raven
raw ray reach read reader reading ready real reason rebel record red redeemed reed reel regal reign rein
rejoice remedy render renown research rest result rhyme rib rice rich rider ridge riding right rim ring rip
ripe rise rite river roach road rob robin robot rock rod roe rogue roll roller roof room root rope rose
rosemary rot rough round rover row royal rub ruby rude rue rug ruler rum run runner runs rush rusty rye sack
sad saddle safe sage said sailor saint salmon salt salvation same sanctuary sand sandy sane sang sap sapphire
sat saturday sauce savage saviour savvy saw say scales scar scarlet scholar school science score scout sea
seal season see seed seeker seem sell send sense sent september serene serenity sergeant set seven several
sew sex shade shadow shaft shall sharp she shed sheen sheep sheet shell shepherd shield shin shine ship shock
shoe shore short shot show shower shown shun shy sick sickle side siege signal silence silk silver simple sin
since sing singer sip sir sister sit sixty skate ski skill skip sky sleep sleigh slim sling sly small smart
smile smith snare snob snow so soar sob social soft solace soldier solemn solution some someone something son
song sonnet soon soul south sow soy spa space spade spare spark sparkle sparrow speak speaker spear speed
spell spend spent spike spinner spirit splash splendid splendour spoon sport sports sprig spring spruce spy
square squire stable staff stage stair stamp stand staple star stark start state stay steel steele steep stem
step sterling stern stick still stock stocks stone stood stool stop storm story stout strand strange straw
stream street strength stride strike stringer stroke strong student study stump sturdy style sub sublime
success such sue sugar suit suite sum summer summers sun sunday sung sunny sunshine swain swallow swamp swan
sweep sweet swift sword system tab table tack tag tailor take taken tale talent talk tall tan tang tangle
tank tap tar tart taste taught tea teach teacher teal team tear tee tell teller tempest temple ten tender
tenor term tern test testimony than thankful thanks that the their them theme then theory there these they
thick thin thing think thinker this thistle thorn those though thought thousand thrift through thrush thunder
thursday thyme tide tidy tie tiger tile till timber time timely tin tinker tip tire toe told tomb ton tone
tong too took tool top torch totem touch tough tout tow toward towards tower town toy trace track trader
trail train tram tranquil trapper travel tray treasure treaty tree trek trick tried trigger trim trinity trip
triumph trot trout truce true truly trump trumpet trust trusty truth try tub tuck tuesday tug tulip tune turf
turn turned twelve twice twist two ultimate uncle under unique unity university until upon urban use used
vain vale valentine valiant valley valour vat vault vein velvet venture verge vernal verse very vest vet
vicar vice victory vie view vigour viola violet viper virgin virtue vision vista vital vivid voice von vow
voyage wade wag wage wait wake walk walker wall walls waltz wan wander wane want wanted war ward warden ware
warm warmth warrior wary was wash waste watch watchman water waters wave wax way wealth weather weaver web
wed wedge wednesday wee weed week weeks welcome welder well wells wen went were west whale wharf wheat wheel
when where whether which while whip whisper white who wick wicker wide widow wig wild will willow wilt win
wind windmill window wine wing wink winner winter winters wire wisdom wise wish wisp wit with within without
witness witty woe wok wolf woman women won wonder wonderful wong wood woodland woods woodward word wore work
worked worker workman world worm worth worthy would wounded wreath wren write writer wrote yam yang yap yard
year yearn yellow yen yes yet yew yield yin yo you young your zeal zen zenith zest zip zoo zoom
""")

# Small words inside names; they go with the name and never alone.
PARTICLES = _words("""
de da do dos das del della der den des di du la le las los el al ul ur ar as ad an bin bint binti ben ibn
ibnu abu umm van von vom zu zum zur ten ter te y e i o d l st mac mc ap ab af av san santa saint bte binte a
""")
# Those of them that stay particles with a capital letter in the middle of a name.
CONNECTING = _words("""
abu al ap as bin bint binti binte ibn ben da das de del della den der di dos du el la las los mac mc ul ur
umm van ver von st
""")
TITLES = _words("mr mrs ms miss mx dr prof sir madam jr sr ii iii iv esq phd md mme mlle herr frau sri smt shri")

# Months and days: with a number or one of these words beside them they are dates, not people.
CALENDAR = _words("april may june august january sunday monday tuesday wednesday thursday friday saturday")
DATE_WORDS = _words("""
in on by since until till last next early late mid this every each of during from to and or before after
between
""")

# After these words a capital letter proves nothing, and "Coach" in "they call me Coach" is a role.
NO_NAME = _words("""
i a an the my me it is am was he she they we you your his her our their and or but so if when because not no
yes as mom mum mummy mommy mama mother dad daddy papa father didi bhaiya apa api baji bhai bro sis brother
sister aunt auntie uncle grandma grandpa coach captain chief boss sir madam miss mr mrs ms dr doctor
professor teacher president leader friend nerd genius crazy lazy shy lucky smart hello hi dear regards
sincerely thanks thank
""")

# "At home I am Bengali" names a people, not a person.
PEOPLES = _words("""
adventist afghan african american arab asian atheist baha'i bangladeshi baptist bengali berber bisexual black
brahmin british buddhist catholic chinese christian coptic desi dutch egyptian english european filipino
french gay german greek gujarati hausa hindu hispanic hungarian igbo indian indonesian iranian iraqi irish
israeli italian japanese jewish kannada kashmiri kenyan korean kurdish latina latino latinx lebanese malay
marathi mexican muslim nepali nigerian pakistani palestinian pashtun persian polish portuguese punjabi queer
quaker roma romanian russian saudi scottish serbian shia sikh sindhi somali spanish sunni swahili swedish
syrian tamil telugu thai tibetan turkish ukrainian urdu vietnamese welsh white yemeni yoruba zulu
""")

# Capitalised words that begin like many names and are none.
NOT_NICKNAMES = _words("""
africa america arab asia austria chile china cuba france german germany india indian iran iraq italy israel
japan jordan kenya korea latin mali muslim christ christian oman peru poland
roman romania indiana rome russia spain syria turkish
victoria
""")

# "It's" and the like are no possessives.
NOT_A_POSSESSOR = _words("it that he she who what let here there how when where")

# What may stand before the @ of an e-mail address without being anybody's user name.
COMMON_LOCALS = _words("admin contact hello info mail myself office person student support user writer")

# In an address, but of no use to find the door.
ADDRESS_WORDS = _words("""
house home block sector phase colony district city town village state province county country floor room
building court place park hill garden gardens near post office box po the of de la le del du da des rue via
calle avenida rua ulica ul jl jalan rt rw vul new old main central upper lower dist tehsil mohalla cad
caddesi sok sokak mah str strasse strada straat gu dong ro gil si do
""")

# What may stand before or after a name in a user name.
HANDLE_AFFIXES = _words("""
the its im iam real official hey mr ms dr team code codes coder coding dev devs tech writes writer reads art
arts artist draws music beats sings plays gaming games gamer builds makes creates designs design photo photos
pics lab labs tv yt hq online web world life daily vlog vlogs blog blogs bot js py io cooks bakes runs math
maths sci science x xo
""")

MAIL_PROVIDERS = r"(?:gmail|googlemail|yahoo|hotmail|outlook|icloud|live|protonmail|proton|aol|gmx|mail|yandex|zoho)"

PLATFORMS = (
    r"(?:instagram|insta|github|gitlab|twitter|tiktok|snapchat|discord|telegram|youtube|linkedin|reddit"
    r"|twitch|facebook|whatsapp|wechat|kik|signal|steam|medium|behance|kaggle|codeforces|leetcode|hackerrank"
    r"|handle|username|user name|screen name|gamertag)"
)

# Top-level domains that are no small words, so that a missing space after a full stop makes no address.
TOP_LEVEL_DOMAINS = _words("""
com org net edu gov mil info biz io dev app tech online site website blog page xyz club store shop ly gg tv
ai co uk pk cn jp kr ru ua pl de fr es pt br mx ar cl tr ng ke gh za eg sa ae vn ph sg hk tw nz ca ch se fi
dk nl eu asia academy school design art cloud space world network digital studio media news
""")

# Sites that are a word of the language when no page of theirs is named.
KNOWN_SITES = _words("""
amazon.com asp.net archive.org booking.com brilliant.org change.org chess.com code.org codecademy.com
coursera.org dictionary.com dosomething.org draw.io duolingo.com edx.org itch.io kaggle.com khanacademy.org
lichess.org monster.com openai.com pets.com salesforce.com socket.io stackoverflow.com ted.com typeracer.com
udemy.com wikipedia.org wolframalpha.com
""")

PHONE_CUES = (
    r"(?:call|calls|called|calling|phone|phones|phoned|telephone|tel|mobile|cell|cellphone|cellular"
    r"|whatsapp|viber|text|texts|texted|sms|reach|reached|contact|dial|dials|dialed|ring|fax|hotline|helpline"
    r"|landline|ph|mob|number)"
)
