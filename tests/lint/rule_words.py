# SPDX-License-Identifier: MIT
"""Functions and words that the tree does without."""
import re

NAME = "banned functions and words are absent"

# (pattern, where it is allowed, why not elsewhere); a call is a word before a parenthesis.
CALLS = [
    (r"strcpy|strcat|sprintf|vsprintf|gets|strncpy|strncat", r"tests/",
     "has no bound, use buf or snprintf"),
    (r"strtok|localtime|gmtime|ctime|asctime|strerror_r|getpwnam|getpwuid|getgrnam|getgrgid|"
     r"readdir_r",
     r"daemon/conf/machine\.c$|tests/", "keeps state of its own"),
    (r"system|popen", r"$^", "starts a shell"),
    (r"atoi|atol|atoll|atof", r"tests/", "hides errors, use str"),
    (r"tmpnam|tempnam|mktemp|alloca|setjmp|longjmp", r"$^", "is unsafe"),
    (r"rand|srand|random|srandom|drand48", r"tests/", "is foreseeable, use lib/base/rand.h"),
    (r"malloc|calloc|realloc|reallocarray|strdup|strndup", r"lib/base/mem\.c$|tests/",
     "may fail, use lib/base/mem.h"),
    (r"time|gettimeofday|clock|clock_gettime|ftime|timespec_get",
     r"lib/base/clock_real\.c$|lib/bus/bus\.c$|tests/",
     "reads a clock past lib/base/clock.h"),
    (r"sleep|usleep|nanosleep|clock_nanosleep|thrd_sleep", r"daemon/keeper/copy/copy_dir\.c$",
     "sleeps instead of waiting for something"),
    (r"__attribute__", r"lib/base/attr\.h$|tests/", "has a name in lib/base/attr.h"),
    (r"typeof|__typeof__|__extension__", r"$^", "is not C11"),
    (r"printf|puts|putchar", r"client/|tests/|daemon/keeper/main\.c$", "prints, use the log"),
]
# Why the exceptions: conf/machine.c asks before there is a second thread; copy_dir.c waits in
# a thread for a lock, which has no time limit of its own; bus.c uses the clock of
# sd_bus_get_timeout(); keeper/main.c prints the answers of --check and its kin.

# Which characters may be shown is decided in lib/base/text.c; the grammars of the protocol and of
# zone files are no
# matter of showing, nor are lengths in DER.
CONTROLS = (r"[<>]=?\s*(0x(1f|20|21|7e|7f|9f|a0)\b|' ')|\b(iscntrl|isprint|isgraph)\s*\(",
            r"lib/base/text\.c$|proto/line\.c$|lib/wire/dns_\w+\.c$|lib/crypt/cert\.c$|tests/")

TEXTS = [
    (r"\b(TODO|FIXME|HACK)\b", "is an unfinished thought"),
    (r"(?i)\bworkaround for (now|later)\b", "is an unfinished thought"),
    (r"^(<<<<<<<|>>>>>>>) ", "is a conflict"),
    (r"/home/[a-z]+/|/work/", "is a path of one machine"),
]
SKIPS = re.compile(r"pytest\.(mark\.)?(skip|xfail)|\bimportorskip|unittest\.skip|skipTest|"
                   r"should_fail|# *SKIP\b"
                   r"|error\(.*skip", re.I)
CODE = (".c", ".h", ".def", ".py", ".sh", ".build", ".md", ".in", ".yaml", ".1", ".5", ".7", ".8")
SELF = "tests/lint/"


def check_calls(tree):
    for path in tree.select(".c", ".h"):
        for words, allowed, why in CALLS:
            if re.match(allowed, path):
                continue
            for line, match in tree.matches(path, rf"(?<![\w.>])({words})\s*\("):
                yield f"{path}:{line}: {match[1]}() {why}"
        if not re.match(CONTROLS[1], path):
            for line, match in tree.matches(path, CONTROLS[0]):
                yield f"{path}:{line}: {match[0]} judges characters past lib/base/text.h"
        for line, _ in tree.matches(path, r"\(\{"):
            yield f"{path}:{line}: a statement expression is not C11"
        for line, match in tree.matches(path, r"\btypedef\s+(struct|union|enum)\b"):
            yield f"{path}:{line}: typedef hides a {match[1]}"


def check(tree):
    yield from check_calls(tree)
    for path in tree.select(*CODE, but=(SELF,)):
        for number, line in enumerate(tree.text(path).split("\n"), 1):
            for pattern, why in TEXTS:
                found = re.search(pattern, line)
                if found:
                    yield f"{path}:{number}: \"{found[0].strip()}\" {why}"
            if path.startswith("tests/") and path != "tests/report.py" and SKIPS.search(line):
                yield f"{path}:{number}: a test is skipped"


FINE = {
    "lib/base/mem.c": "void *mem(void)\n{\n\treturn malloc(1);\n}\n",
    "lib/x.c": "/* calls time() and strcpy() */\nstatic const char text[] = \"system(3) time(2)\";"
               "\n"
               "int runtime(int x)\n{\n\treturn job->time(x) + task.sleep(x) + my_time(x);\n}\n",
    "tests/unit/x_test.c": "int main(void)\n{\n\tstrcpy(a, \"mkstemp-XXXXXX\");\n}\n",
}
BROKEN = [(name, {path: text}) for name, path, text in [
    ("strcpy", "lib/y.c", "void f(void)\n{\n\tstrcpy(a, b);\n}\n"),
    ("sprintf with a space", "lib/y.c", "\tsprintf (a, b);\n"),
    ("strtok", "lib/y.c", "\tstrtok(a, b);\n"),
    ("system", "daemon/y.c", "\tif (system(a))\n"),
    ("popen in a test", "tests/unit/y_test.c", "\tpopen(a, b);\n"),
    ("atoi", "daemon/y.c", "\treturn atoi(a);\n"),
    ("malloc", "daemon/y.c", "\tp = malloc(1);\n"),
    ("time", "daemon/y.c", "\tnow = time(NULL);\n"),
    ("clock_gettime", "daemon/y.c", "\tclock_gettime(CLOCK_REALTIME, &ts);\n"),
    ("sleep in a test", "tests/unit/y_test.c", "\tusleep(1000);\n"),
    ("printf in the engine", "daemon/engine/y.c", "\tprintf(a);\n"),
    ("bare attribute", "lib/y.h", "void f(void) __attribute__((noreturn));\n"),
    ("typedef struct", "lib/y.h", "typedef struct x x_t;\n"),
    ("statement expression", "lib/y.h", "#define M(x) ({ x; })\n"),
    ("a copy of what controls are", "client/y.c", "\tif (*p < 0x20 || *p == 0x7f)\n"),
    ("another one", "daemon/y.c", "\tif (iscntrl(*p))\n"),
    ("TODO", "lib/y.c", "/* TODO: more */\n"),
    ("FIXME in a page", "docs/y.md", "FIXME\n"),
    ("conflict", "lib/y.c", "<<<<<<< HEAD\n"),
    ("path of a machine", "docs/y.md", "see /home/joe/certd\n"),
    ("skipped live test", "tests/live/test_y.py", "@pytest.mark.skipif(True)\n"),
    ("skip at run time", "tests/live/test_y.py", "    pytest.skip('no nginx')\n"),
    ("TAP skip", "tests/unit/y_test.c", 'printf("ok 1 # SKIP no root");\n'),
]]
