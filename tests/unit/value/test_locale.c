/* Names, literals and ids under a locale in which `I` and `i` are letters of their own.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge/helo.h"
#include "outcome/authres.h"
#include "tests/unit/values.h"

#define SMALL_I_WITHOUT_DOT 0xfd /* as in ISO 8859-9 */

static const char charmap[] = "<code_set_name> TURKISH\n<comment_char> %\n<escape_char> /\n"
                              "CHARMAP\n<U0000>..<U007F> /x00\n<U0080>..<U00FE> /x80\n"
                              "END CHARMAP\n";
static const char letters[] = "comment_char %\nescape_char /\nLC_CTYPE\n"
                              "upper <U0041>..<U005A>;<U00DD>\nlower <U0061>..<U007A>;<U00FD>\n"
                              "toupper (<U0061>,<U0041>);(<U0069>,<U00DD>);(<U00FD>,<U0049>)\n"
                              "tolower (<U0041>,<U0061>);(<U0049>,<U00FD>);(<U00DD>,<U0069>)\n"
                              "END LC_CTYPE\n";

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[64];
    FILE *fp;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    fp = fopen(path, "w");
    cr_assert(fp != NULL && fputs(text, fp) >= 0 && fclose(fp) == 0, "%s", path);
}

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define ENDIAN "--big-endian" /* where the machine that runs localedef is another one */
#else
#define ENDIAN "--little-endian"
#endif

/* No machine has to have such a locale: it is made by localedef, which every glibc brings along
 * (it warns of the categories that are not defined, and exits with 1). False without it, and with
 * another C library, whose letters are those of no locale. */
static bool speak_turkish(void)
{
    char dir[] = "/tmp/test-locale-XXXXXX", command[300];
    bool ok;

#ifndef __GLIBC__
    return false;
#endif
    if (system("command -v localedef >/dev/null") != 0)
        return false;
    cr_assert(mkdtemp(dir) != NULL);
    write_file(dir, "charmap", charmap);
    write_file(dir, "letters", letters);
    snprintf(command, sizeof command,
             "cd %s && localedef " ENDIAN " -c -f ./charmap -i ./letters ./dotless >said 2>&1",
             dir);
    (void)!system(command);
    setenv("LOCPATH", dir, 1);
    ok = setlocale(LC_CTYPE, "dotless") != NULL;
    snprintf(command, sizeof command, "%s %s/said; rm -r %s", ok ? ":" : "cat", dir, dir);
    (void)!system(command);
    cr_assert(ok, "the locale could not be made");
    return true;
}

static bool same(const char *a, const char *b)
{
    struct dname one = name_of(a), two = name_of(b);

    return dname_equal(&one, &two) && dname_same_registrable(&one, &two);
}

static void expect_only_ascii_folded(void)
{
    unsigned c;

    for (c = 0; c < 256; c++) {
        uint8_t wire[3] = {1, (uint8_t)c, 0};
        struct dname d;

        cr_assert(dname_from_wire(&d, wire, sizeof(wire)));
        cr_expect_eq(d.wire[1], c >= 0x41 && c <= 0x5a ? c + 0x20 : c, "octet %u", c);
    }
}

Test(locale, B32_turkish_letters)
{
    static const char literal[] = "[IPV6:2001:DB8::1]", helo[] = "MAIL.INIT.EXAMPLE.COM",
                      forged[] = "MX.INIT.EXAMPLE; IPREV=PASS";
    struct helo h;

    if (!speak_turkish())
        cr_skip_test("no localedef here, or another C library");
    cr_assert(tolower('I') == SMALL_I_WITHOUT_DOT);
    expect_only_ascii_folded();
    cr_expect(same("MAIL.INIT.EXAMPLE.COM", "mail.init.example.com"));
    helo_parse(&h, helo, strlen(helo));
    cr_expect(h.form == HELO_HOST);
    cr_expect_str_eq(text_of(&h.name, dname_put), "mail.init.example.com");
    helo_parse(&h, literal, strlen(literal));
    cr_expect(h.form == HELO_LITERAL, "%d", h.form);
    cr_expect(authres_claim(forged, strlen(forged), "mx.init.example") == AUTHRES_MINE);
}
