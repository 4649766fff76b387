/* iprev-check classify: what stands for each line of a list.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/commands.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

Test(classify, lines)
{
    static const char *const generic[] = {".pool.example"};
    static const struct shape_lists lists = {.generic = {1, generic}};
    static const struct {
        const char *line, *want; /* want: the beginning of what is printed */
        int code;
        const char *why;
    } row[] = {
        {"192.0.2.1\t192-0-2-1.dsl.example.net\n", "192-0-2-1.dsl.example.net\tgeneric\taddress ",
         0, "an address in the name"},
        {"192.0.2.1\tmail.example.net\r\n", "mail.example.net\tnamed\t", 0, "CR before LF"},
        {"192.0.2.1\tmail.example.net", "mail.example.net\tnamed\t", 0, "no LF at the end"},
        {"2001:db8::1\tmail.example.net\n", "mail.example.net\tnamed\t", 0, "IPv6"},
        {"192.0.2.1\tmail.pool.example\n", "mail.pool.example\tgeneric\t", 0, "by generic.hosts"},
        {"192.0.2.1 mail.example.net\n", "192.0.2.1\\x20mail.example.net\t-\tno tab", 1, "a space"},
        {"192.0.2.256\tmail.example.net\n", "mail.example.net\t-\tnot an address\n", 1, "256"},
        {"192.0.2.1\tlocalhost\n", "localhost\t-\tnot a host name\n", 1, "one label"},
        {"192.0.2.1\ta\033b\n", "a\\x1bb\t-\tnot a host name\n", 1, "octets are made visible"},
        {"\n", "-\t-\tno tab", 1, "an empty line"},
        {"", "", 0, "an empty list"},
    };
    size_t i, n;

    cr_assert_not_null(freopen("/dev/null", "w", stderr));
    for (i = 0; i < ARRAY_LEN(row); i++) {
        char *text = NULL;
        char file[] = "/tmp/iprev-classify.XXXXXX";
        FILE *in = fdopen(mkstemp(file), "w"), *out = open_memstream(&text, &n);

        cr_assert(in != NULL && out != NULL);
        fputs(row[i].line, in);
        fclose(in);
        cr_expect_eq(classify(file, out, &lists), row[i].code, "%s", row[i].why);
        unlink(file);
        fclose(out);
        cr_expect(strncmp(text, row[i].want, strlen(row[i].want)) == 0, "%s: %s", row[i].why, text);
        free(text);
    }
}
