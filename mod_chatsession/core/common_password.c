/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * A password is folded (capitals, 0 for o and the like), its affixes are taken off within bounds, and what is left is
 * looked up. Several foldings are tried, as a 1 can be an i or an l, and a digit at the end can be one after all.
 */
#include "core/common_password.h"

#include <stdlib.h>
#include <string.h>

/* Longer ones that people use are no longer one word with a habit. */
#define LONGEST 32
/* Digits and marks before and after a word that guessing programs try as a matter of course. */
#define MOST_BEFORE 4
#define MOST_AFTER 6
/* A row or word beside another one has at least so many octets. */
#define SHORTEST_PART 4

/* clang-format off */
static const char *const words[] = {
    "abc", "abcd", "abcdef", "abcxyz", "access", "acdc", "admin", "administrator", "airforce", "aishiteru", "ajax",
    "alexander", "alexandra", "alexandria", "alexis", "alice", "always", "amanda", "amazon", "amber", "america",
    "american", "amor", "amore", "andrea", "andrew", "android", "angel", "angela", "angelina", "angels", "angry",
    "anime", "anna", "anthony", "anything", "apple", "april", "aragorn", "arigato", "army", "arsenal", "arthur",
    "asdf", "asdfgh", "ashley", "assassin", "asshole", "audi", "august", "austin", "australia", "autumn", "avengers",
    "azerty", "babe", "baby", "babyboy", "babygirl", "bacon", "banana", "barbara", "barcelona", "baseball",
    "basketball", "bastard", "batman", "bayern", "beach", "bear", "bears", "beatles", "beautiful", "beckham", "beer",
    "believe", "benjamin", "berlin", "bernard", "bestfriend", "beyonce", "bible", "bienvenido", "bienvenue",
    "billion", "birthday", "bitch", "bitches", "bitcoin", "biteme", "black", "blaster", "blessed", "blessing",
    "blink", "blowme", "blue", "blueberry", "bmw", "bonita", "bonjour", "bonnie", "boss", "boston", "boxing",
    "bradley", "brandon", "brazil", "brian", "brittany", "broncos", "brother", "bruce", "bubba", "bubbles", "buddy",
    "bulls", "bullshit", "bunny", "burger", "business", "buster", "butter", "butterfly", "california", "camaro",
    "camille", "camping", "canada", "candy", "captain", "caroline", "cash", "casino", "cassie", "cat", "catherine",
    "cats", "celtic", "celtics", "champ", "champion", "change", "changeme", "chargers", "charles", "charlie",
    "cheese", "cheetah", "chelsea", "cherry", "chester", "chevrolet", "chevy", "chicago", "chicken", "child",
    "children", "china", "chocolate", "chouchou", "christ", "christian", "christina", "christine", "christmas",
    "christopher", "church", "ciao", "cisco", "claire", "client", "cobra", "cock", "coder", "coffee", "college",
    "company", "computer", "contrasena", "cookie", "cookies", "cooper", "corazon", "corvette", "coucou", "courtney",
    "cowboy", "cowboys", "cracker", "crazy", "cricket", "crypto", "crystal", "cunt", "cupcake", "cutie", "cutiepie",
    "cynthia", "daddy", "daisy", "dakota", "dallas", "daniel", "danielle", "darling", "darthvader", "database",
    "david", "dead", "deadpool", "death", "debbie", "debian", "december", "default", "demo", "demon", "dennis",
    "denver", "derek", "desktop", "developer", "devil", "dexter", "diablo", "diamond", "diana", "dick", "discord",
    "doctor", "dodge", "dodgers", "dog", "doggy", "dogs", "dollar", "dollars", "dolphin", "dolphins", "dominic",
    "donald", "doraemon", "doris", "dortmund", "doudou", "dragon", "dragonball", "dragons", "dream", "dreamer",
    "dreams", "drums", "ducati", "dumbledore", "dylan", "eagle", "eagles", "earth", "easter", "eclipse", "edward",
    "eleanor", "elephant", "elizabeth", "email", "emerald", "emily", "eminem", "emma", "engineer", "england",
    "enigma", "enter", "eric", "erica", "estrella", "eugene", "evelyn", "everton", "everything", "example",
    "express", "extreme", "facebook", "faith", "falcon", "family", "fantasy", "father", "february", "felix",
    "fernando", "ferrari", "ficken", "fire", "fireball", "firebird", "fireman", "fisherman", "fishing", "flash",
    "florida", "flower", "flowers", "football", "ford", "forest", "forever", "fortnite", "fox", "france",
    "francesca", "francesco", "francis", "francisco", "frank", "freddie", "freedom", "friday", "friend", "friends",
    "friendship", "frodo", "fuck", "fucker", "fuckme", "fuckoff", "fuckyou", "funny", "fussball", "gabriel",
    "gabriela", "galaxy", "game", "gamer", "games", "gaming", "gandalf", "gangsta", "gangster", "garfield", "gary",
    "gatito", "geheim", "george", "gerald", "germany", "ghost", "giants", "ginger", "giraffe", "gloria", "gmail",
    "god", "godisgood", "goku", "gold", "golden", "goldfish", "goldie", "golf", "golfer", "goober", "google",
    "gordon", "grace", "gracie", "grandma", "grandpa", "green", "gregory", "guest", "guitar", "gunner", "hacker",
    "hacking", "hallo", "hallohallo", "halloween", "halo", "hammer", "hannah", "happiness", "happy", "hardcore",
    "harley", "harry", "harrypotter", "hate", "hateyou", "hawaii", "hawk", "heather", "heaven", "hector", "helen",
    "hell", "hello", "hellokitty", "henry", "hermione", "hermosa", "hero", "hidden", "hiroshi", "hobbit", "hockey",
    "hogwarts", "hola", "holiday", "honda", "honey", "hope", "horse", "horses", "hotmail", "hottie", "houston",
    "hugs", "hulk", "hummer", "hunter", "hurricane", "husband", "ice", "iceman", "ichigo", "idiot", "ilove",
    "iloveme", "iloveyou", "imagine", "india", "infinity", "insane", "intel", "inter", "internet", "iphone",
    "ironman", "isabel", "isabella", "island", "itachi", "italy", "ivan", "jack", "jackass", "jackson", "jacob",
    "jaguar", "jake", "james", "january", "japan", "jasmine", "jasper", "java", "javascript", "jedi", "jeep",
    "jennifer", "jeremy", "jerome", "jesse", "jessica", "jesus", "jesuschrist", "jetaime", "joanna", "job", "john",
    "johnny", "joker", "jonathan", "jordan", "jorge", "joseph", "josh", "joshua", "julia", "julian", "juliana",
    "julie", "july", "june", "junior", "justice", "justin", "juventus", "kakashi", "karate", "karen", "katherine",
    "kathleen", "katie", "kawasaki", "kelly", "kenneth", "kevin", "kids", "kill", "killer", "kimberly", "king",
    "kingkong", "kiss", "kisses", "kitten", "kitty", "knight", "kobe", "konnichiwa", "kristen", "lacrosse",
    "ladybug", "lakers", "lamborghini", "laptop", "larry", "laura", "lauren", "lawyer", "legend", "legendary",
    "legolas", "lemon", "leonardo", "leopard", "leslie", "letmein", "letmeinnow", "liberty", "lightning", "lily",
    "linda", "lindsay", "linux", "lion", "lisa", "liverpool", "logan", "login", "logon", "london", "lonely",
    "lorena", "losenord", "loser", "lottery", "louis", "louise", "loulou", "love", "lovelove", "lovely", "loveme",
    "lover", "loveyou", "lucas", "lucifer", "lucky", "lucy", "luke", "madison", "maggie", "magic", "mail", "manager",
    "manchester", "manga", "marcel", "march", "marcus", "margaret", "maria", "marie", "marina", "marine", "marines",
    "mario", "mariposa", "mark", "marlboro", "marseille", "martha", "martin", "marvel", "mary", "maserati", "master",
    "matrix", "matthew", "maverick", "max", "maxwell", "may", "melissa", "mercedes", "mercury", "merlin", "messi",
    "metal", "metallic", "metallica", "mexico", "michael", "michelle", "mickey", "microsoft", "midnight", "miguel",
    "mike", "milan", "million", "millionaire", "minecraft", "minnie", "miranda", "mittens", "molly", "mommy",
    "monday", "money", "monica", "monkey", "monster", "moon", "mooney", "moonlight", "morgan", "morpheus", "moscow",
    "motdepasse", "mother", "motherfucker", "motorola", "mountain", "muffin", "murphy", "music", "musica", "mustang",
    "mylove", "nadine", "nancy", "napoli", "naruto", "nascar", "natalia", "natalie", "natasha", "nathan", "navy",
    "ncc", "nelson", "neo", "netflix", "network", "never", "newlife", "newyear", "newyork", "nicholas", "nick",
    "nicola", "nicolas", "nicole", "nihon", "ninja", "nintendo", "nirvana", "nissan", "noah", "nokia", "norman",
    "nothing", "november", "nurse", "ocean", "october", "office", "oliver", "olivia", "online", "open", "opensesame",
    "operator", "oracle", "orange", "orchid", "oscar", "packard", "packers", "pamela", "pancake", "panda", "panther",
    "paradise", "paris", "parker", "parola", "pass", "passcode", "passphrase", "passw", "passwd", "password",
    "passwort", "passwortneu", "pasta", "patches", "patricia", "patrick", "patriots", "paul", "peace", "peach",
    "peaches", "peanut", "pearl", "pedro", "penguin", "pepper", "perrito", "peter", "phantom", "philip", "phoebe",
    "phoenix", "piano", "pikachu", "pilot", "pink", "pirate", "pizza", "planet", "playboy", "player", "playstation",
    "pokemon", "poker", "police", "pony", "pookie", "popcorn", "popeye", "porsche", "potter", "precious", "predator",
    "pretty", "prince", "princesa", "princess", "private", "programmer", "pumpkin", "puppy", "purple", "pussy",
    "python", "qazwsx", "queen", "qweasd", "qwert", "qwerty", "qwertz", "rabbit", "rachel", "racing", "rafael",
    "raider", "raiders", "rainbow", "ralph", "ranger", "rangers", "raymond", "realmadrid", "rebecca", "rebel", "red",
    "reddog", "redrum", "redskins", "redsox", "redwings", "remember", "ricardo", "rich", "richard", "rihanna",
    "river", "robert", "roberto", "robin", "roblox", "rocket", "rockstar", "rocky", "rockyou", "rodrigo", "roger",
    "roland", "roman", "ronald", "ronaldo", "root", "rose", "rosemary", "roses", "ruby", "rugby", "runner",
    "running", "russia", "rusty", "ryan", "sabrina", "sad", "safety", "saiyan", "sakura", "sam", "samantha",
    "sample", "samsung", "samuel", "samurai", "sandra", "sandy", "sarah", "sasuke", "satan", "saturday", "sauron",
    "schatz", "schatzi", "school", "scooby", "scooter", "scorpion", "scott", "sean", "seattle", "sebastian",
    "secret", "secreto", "secure", "security", "senha", "september", "sergio", "server", "sesame", "sexy", "shadow",
    "shannon", "shaquille", "shark", "sharon", "sheila", "shirley", "shit", "sierra", "signin", "silver", "silvia",
    "simon", "sister", "skippy", "skywalker", "slayer", "slipknot", "smile", "smiley", "smokey", "snake", "snape",
    "sniper", "snoopy", "snow", "snowball", "snowflake", "soccer", "softball", "soldier", "soleil", "something",
    "sommer", "sonic", "sonnenschein", "sony", "sophia", "sophie", "space", "spaghetti", "spain", "spanky", "sparky",
    "spencer", "spider", "spiderman", "spirit", "spotify", "spring", "squirt", "star", "starcraft", "starlight",
    "stars", "startrek", "starwars", "steelers", "stella", "stellina", "stephanie", "stephen", "steve", "steven",
    "stinky", "storm", "stranger", "strawberry", "stuart", "student", "stupid", "subaru", "success", "sugar",
    "summer", "sunday", "sunflower", "sunny", "sunset", "sunshine", "superhero", "superman", "superstar",
    "superuser", "supervisor", "supreme", "susan", "suzuki", "sweetheart", "sweetie", "sweety", "swimming",
    "swordfish", "sylvia", "sysadmin", "system", "takashi", "tamara", "target", "taylor", "teacher", "teamo",
    "techno", "teddy", "teddybear", "temp", "temporary", "tennis", "tequiero", "teresa", "terminator", "test",
    "tester", "testing", "tetris", "texas", "thebest", "theresa", "thomas", "thor", "thug", "thunder", "thunderbird",
    "thursday", "tiffany", "tiger", "tigers", "tigger", "timothy", "tinkerbell", "titanic", "together", "tokyo",
    "tommy", "tony", "totoro", "tottenham", "toyota", "tracy", "training", "travel", "travis", "trevor", "trial",
    "trinity", "trouble", "truck", "trucks", "truelove", "trustme", "trustno", "trustnoone", "tucker", "tudelft",
    "tuesday", "tupac", "turkey", "turtle", "tweety", "twilight", "twitter", "tyler", "ubuntu", "unicorn", "united",
    "universe", "university", "unlock", "user", "username", "vacation", "vader", "valentina", "valerie", "vampire",
    "vanessa", "vegas", "vegeta", "veronica", "victor", "victoria", "vincent", "violet", "viper", "vivian", "vodka",
    "volcano", "voldemort", "volkswagen", "volleyball", "volvo", "wachtwoord", "walter", "warcraft", "warrior",
    "website", "wednesday", "welcome", "wendy", "whatever", "whiskey", "white", "whitney", "wife", "wildcat",
    "william", "willkommen", "windows", "winner", "winnie", "winston", "winter", "wizard", "wizards", "wolf",
    "wolverine", "wolves", "wonder", "work", "wrestling", "xanadu", "xavier", "xbox", "yahoo", "yamaha", "yankees",
    "yellow", "yoda", "youtube", "yvonne", "zachary", "zebra", "zelda", "zombie", "zorro", "zxcvbn",
};
/* clang-format on */

#define WORDS (sizeof(words) / sizeof(words[0]))

/* Neighbours in these follow one another on a keyboard, in the alphabet, or in counting; read in both directions. */
static const char *const rows[] = {
    "1234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "01234567890123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "!@#$%^&*()",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "qazwsxedcrfvtgbyhnujm",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "a1b2c3d4e5f6g7h8i9",
    "a1s2d3f4g5h6j7k8l9",
    "zaqxswcdevfrbgtnhymju",
    "zaq1xsw2cde3vfr4bgt5",
    "147258369",
    "159357",
    "741852963",
    "qweasdzxc",
    "qweasdzxcrty",
    "asdqwezxc",
    "1a2b3c4d5e6f7g8h9i",
    "123qweasdzxc",
    "123654789",
    "987456321",
    "13579",
    "11223344556677889900",
    "aabbccddeeff",
    "24680",
    "qwaszx",
    "poiuytrewqlkjhgfdsamnbvcxz",
    "qwertyuiopasdfghjklzxcvbnm",
    "1123581321",
    "3141592653589793",
    "2718281828",
    "2468101214",
};

int cs_common_password_words(void)
{
    return (int)WORDS;
}

const char *cs_common_password_word(int index)
{
    return words[index];
}

static int compare(const void *key, const void *word)
{
    return strcmp(key, *(const char *const *)word);
}

static bool is_word(const char *text, apr_size_t len)
{
    char word[LONGEST + 1];

    if (!len || len > LONGEST) {
        return false;
    }
    memcpy(word, text, len);
    word[len] = '\0';
    return bsearch(word, words, WORDS, sizeof(words[0]), compare) != NULL;
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Capitals are no habit of their own. False: not all of it is printable ASCII. */
static bool fold_case(char *out, const char *text, apr_size_t len)
{
    for (apr_size_t i = 0; i < len; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            return false;
        }
        out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
    }
    return true;
}

/* What stands for a letter becomes that letter; one is what 1 and ! and | stand for. */
static void fold_leet(char *out, const char *text, apr_size_t len, char one)
{
    static const char from[] = "0134578@$!|+";
    const char to[] = {'o', one, 'e', 'a', 's', 't', 'b', 'a', 's', one, one, 't'};

    for (apr_size_t i = 0; i < len; i++) {
        const char *at = strchr(from, text[i]);
        out[i] = at && text[i] ? to[at - from] : text[i];
    }
}

/* A word, or two with nothing or one mark between them. */
static bool are_words(const char *text, apr_size_t len)
{
    for (apr_size_t cut = 1; cut < len; cut++) {
        apr_size_t next = cut + (!is_letter(text[cut]) ? 1 : 0);
        if (is_word(text, cut) && is_word(text + next, len - next)) {
            return true;
        }
    }
    return is_word(text, len);
}

/* Whether letters are words, but for digits and marks of text before and after them. */
static bool is_dressed_word(const char *text, const char *letters, apr_size_t len)
{
    for (apr_size_t before = 0; before <= MOST_BEFORE && before < len; before++) {
        for (apr_size_t after = 0; after <= MOST_AFTER && before + after < len; after++) {
            if (are_words(letters + before, len - before - after)) {
                return true;
            }
            if (is_letter(text[len - 1 - after])) {
                break;
            }
        }
        if (is_letter(text[before])) {
            break;
        }
    }
    return false;
}

/* One short pattern over and over, the last time perhaps not whole. */
static bool is_repetition(const char *text, apr_size_t len)
{
    for (apr_size_t period = 1; period <= 4 && period * 2 <= len; period++) {
        if (!memcmp(text, text + period, len - period)) {
            return true;
        }
    }
    return len % 2 == 0 && len <= LONGEST && !memcmp(text, text + len / 2, len / 2) && len / 2 <= 6;
}

static bool is_in_row(const char *text, apr_size_t len, const char *row, bool backwards)
{
    const apr_size_t size = strlen(row);

    for (apr_size_t start = 0; start + len <= size; start++) {
        apr_size_t i = 0;
        while (i < len && text[i] == row[backwards ? size - 1 - start - i : start + i]) {
            i++;
        }
        if (i == len) {
            return true;
        }
    }
    return false;
}

/* How many octets from text on are one row, the longest. */
static apr_size_t row_length(const char *text, apr_size_t len)
{
    for (apr_size_t n = len; n >= 3; n--) {
        for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            if (is_in_row(text, n, rows[i], false) || is_in_row(text, n, rows[i], true)) {
                return n;
            }
        }
    }
    return 0;
}

/* How many octets from text on are the same one. */
static apr_size_t run_length(const char *text, apr_size_t len)
{
    apr_size_t n = 1;

    while (n < len && text[n] == text[0]) {
        n++;
    }
    return n;
}

/* Rows and runs from end to end, such as qwerty123, 123456aaa, asdf1234!, qwertyqwerty; at most four of them. */
static bool is_walk(const char *text, apr_size_t len)
{
    apr_size_t at = 0;
    int pieces = 0;
    int loose = 0;

    while (at < len && pieces <= 4 && loose <= 2) {
        apr_size_t row = row_length(text + at, len - at);
        const apr_size_t run = run_length(text + at, len - at);
        row = run >= 3 && run > row ? run : row;
        pieces += row ? 1 : 0;
        loose += row ? 0 : 1;
        at += row ? row : 1;
    }
    return at >= len && pieces <= 4 && loose <= 2;
}

/* Rows and words mixed: qwerty and a name, a name and 12345678. */
static bool is_word_and_row(const char *text, const char *letters, apr_size_t len)
{
    for (apr_size_t cut = SHORTEST_PART; cut + 3 <= len; cut++) {
        if ((is_word(letters, cut) && row_length(text + cut, len - cut) == len - cut) ||
            (row_length(text, cut) == cut && is_word(letters + cut, len - cut))) {
            return true;
        }
    }
    return false;
}

static int number(const char *text, int digits)
{
    int n = 0;

    while (digits--) {
        n = n * 10 + (*text++ - '0');
    }
    return n;
}

/* The eight digits of text, which may have marks between them; false: there are not eight, or there is something else.
 */
static bool take_eight_digits(char digits[8], const char *text, apr_size_t len)
{
    int count = 0;

    for (apr_size_t i = 0; i < len; i++) {
        if (is_digit(text[i])) {
            if (count == 8) {
                return false;
            }
            digits[count++] = text[i];
        } else if (!strchr("-./ ", text[i])) {
            return false;
        }
    }
    return count == 8;
}

/* A day and a month, whichever comes first. */
static bool is_day_of_year(const char digits[4])
{
    const int first = number(digits, 2);
    const int second = number(digits + 2, 2);

    return first >= 1 && second >= 1 && first <= 31 && second <= 31 && (first <= 12 || second <= 12);
}

static bool is_year(const char digits[4])
{
    const int century = number(digits, 2);

    return century == 19 || century == 20;
}

/* A day of a year from 1900 to 2099, the year first or last. */
static bool is_date(const char *text, apr_size_t len)
{
    char digits[8];

    return take_eight_digits(digits, text, len) &&
           ((is_year(digits) && is_day_of_year(digits + 4)) || (is_day_of_year(digits) && is_year(digits + 4)));
}

bool cs_password_is_common(const char *password, apr_size_t len)
{
    char text[LONGEST];
    char letters[LONGEST];

    if (len && is_repetition(password, len)) {
        return true;
    }
    if (!len || len > LONGEST || !fold_case(text, password, len)) {
        return false;
    }
    if (is_repetition(text, len) || is_walk(text, len) || is_date(text, len) || is_dressed_word(text, text, len) ||
        is_word_and_row(text, text, len)) {
        return true;
    }
    for (const char *one = "il"; *one; one++) {
        fold_leet(letters, text, len, *one);
        if (is_dressed_word(text, letters, len) || is_word_and_row(text, letters, len)) {
            return true;
        }
    }
    return false;
}
