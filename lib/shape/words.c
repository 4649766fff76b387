/* Words that operators put into names, from common usage in many languages.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "shape/parts.h"

#include <string.h>

#define A WORD_ACCESS
#define B WORD_BLOCK
#define M WORD_MACHINE
#define E WORD_EMPTY
#define S WORD_SENDING
#define L WORD_MAIL
#define R WORD_ROLE

#define WORD_MAX 15

struct word {
    char text[WORD_MAX]; /* NUL-terminated if shorter */
    uint8_t classes;
};

/* A table for each first letter, sorted by octets: the lookup halves it. */
/* clang-format off */
static const struct word words_a[] = {
    {"abo", B}, {"abonado", B}, {"abonent", B}, {"abonents", B}, {"abonne", B}, {"activesync", L},
    {"ad", R}, {"addr", B}, {"address", B}, {"admin", R}, {"adsl", A}, {"adslcust", A},
    {"adslgp", A}, {"adslip", A}, {"adslplus", A}, {"adslpool", A}, {"alpha", R}, {"amd", M},
    {"ansible", R}, {"antispam", L}, {"antivirus", L}, {"api", R}, {"apollo", R}, {"app", R},
    {"appliance", M}, {"apps", R}, {"arpa", B}, {"as", B}, {"ascend", A}, {"asdl", A}, {"asn", B},
    {"assigned", E}, {"asterisk", R}, {"athena", R}, {"auth", R}, {"autodiscover", L},
    {"avail", B}, {"available", B | E},
};
static const struct word words_b[] = {
    {"backup", R}, {"baremetal", M}, {"barracuda", L}, {"bastion", R}, {"bb", A}, {"bband", A},
    {"beta", R}, {"bind", R}, {"biz", B}, {"blade", M}, {"blank", E}, {"block", B}, {"blog", R},
    {"bm", M}, {"bnas", A}, {"bng", A}, {"bounce", S}, {"bounces", S}, {"box", M}, {"bras", A},
    {"broad", A}, {"broadband", A}, {"bulk", S}, {"bus", B}, {"busi", B}, {"business", B},
};
static const struct word words_c[] = {
    {"cable", A}, {"cablelink", A}, {"cablemodem", A}, {"cabo", A}, {"cache", R}, {"campaign", S},
    {"campaigns", S}, {"campus", B}, {"cas", L}, {"catv", A}, {"cdma", A}, {"cdn", R},
    {"centos", M}, {"cgi", R}, {"cgn", A}, {"cgnat", A}, {"chat", R}, {"chello", B}, {"ci", R},
    {"citrix", R}, {"cl", B}, {"cli", B}, {"client", B}, {"cliente", B}, {"clientes", B},
    {"clientip", B}, {"clients", B}, {"clnt", B}, {"cloud", M}, {"cloudflare", R},
    {"cloudhost", M}, {"cloudlet", M}, {"clouds", M}, {"cloudserver", M}, {"cloudsrv", M},
    {"cloudvm", M}, {"cloudvps", M}, {"cm", A}, {"cmodem", A}, {"cms", R}, {"cmts", A},
    {"colo", M}, {"coloc", M}, {"colocation", M}, {"comercial", B}, {"compute", M}, {"conf", R},
    {"console", R}, {"container", M}, {"core", R}, {"corp", B}, {"correio", L}, {"correo", L},
    {"correoweb", L}, {"courrier", L}, {"cp", R}, {"cpanel", R}, {"cpe", A}, {"cpool", B},
    {"crm", R}, {"cs", R}, {"ct", M}, {"cust", B}, {"customer", B}, {"customeradsl", B},
    {"customercare", B}, {"customerdsl", B}, {"customerip", B}, {"customers", B}, {"custs", B},
    {"cvm", M},
};
static const struct word words_d[] = {
    {"db", R}, {"dc", R}, {"dclient", B}, {"dcv", M}, {"debian", M}, {"ded", B | M}, {"dedi", M},
    {"dedibox", M}, {"dedic", M}, {"dedicado", B | M}, {"dedicate", B}, {"dedicated", M},
    {"dedserv", M}, {"dedserver", M}, {"default", B | E}, {"deliver", S}, {"delivery", S},
    {"demo", R}, {"deploy", M}, {"desconhecido", E}, {"desconocido", E}, {"desktop", B},
    {"dev", R}, {"devel", R}, {"dhcp", A}, {"dhcpd", A}, {"dhcppool", A}, {"dial", A},
    {"dialer", A}, {"dialin", A}, {"dialpool", A}, {"dialup", A}, {"din", A}, {"dinamic", A},
    {"dinamica", A}, {"dinamico", A}, {"dip", A}, {"directory", R}, {"dispatch", S}, {"dmz", R},
    {"dns", R}, {"dnscache", R}, {"dnssec", R}, {"docomo", A}, {"docs", R}, {"docsis", A},
    {"dom", B}, {"domain", R}, {"domicile", A}, {"domino", L}, {"dorm", B}, {"dormitory", B},
    {"download", R}, {"droplet", M}, {"ds", M}, {"dsl", A}, {"dslam", A}, {"dslb", A},
    {"dsldevice", A}, {"dslpool", A}, {"dummy", E}, {"dyn", A}, {"dynadsl", A}, {"dynamic", A},
    {"dynamicip", A}, {"dynamico", A}, {"dynamique", A}, {"dynamisch", A}, {"dynip", A},
    {"dynpool", A},
};
static const struct word words_e[] = {
    {"ecp", L}, {"ecs", M}, {"edge", A | L}, {"edm", S}, {"edu", R}, {"egress", S}, {"email", L},
    {"emailer", S}, {"emails", L}, {"empty", E}, {"enterprise", B}, {"entr", B}, {"epon", A},
    {"erp", R}, {"esa", L}, {"esp", S}, {"estatic", B}, {"estatica", B}, {"estatico", B},
    {"esx", M}, {"esxi", M}, {"eth", B}, {"ether", B}, {"ex", L}, {"exch", L}, {"exchange", L},
    {"exchg", L}, {"exim", L}, {"exit", R}, {"exmail", L},
};
static const struct word words_f[] = {
    {"fallback", S}, {"fax", R}, {"fiber", A}, {"fibra", A}, {"fibre", A}, {"fijo", B},
    {"file", R}, {"files", R}, {"filter", L}, {"firewall", R}, {"fix", B}, {"fixed", B},
    {"fixip", B}, {"fixo", B}, {"flat", A}, {"flatrate", A}, {"forum", R}, {"forward", S},
    {"forwarder", S}, {"free", B | E}, {"freebsd", R}, {"frei", E}, {"fs", R}, {"ftp", R},
    {"fttb", A}, {"fttc", A}, {"ftth", A}, {"ftthbiz", B}, {"ftthip", A}, {"fttx", A}, {"fw", R},
};
static const struct word words_g[] = {
    {"game", R}, {"games", R}, {"gandalf", R}, {"gate", R}, {"gateway", R}, {"generic", B},
    {"gepon", A}, {"git", R}, {"gitlab", R}, {"glasfaser", A}, {"gout", S}, {"gpon", A},
    {"gprs", A}, {"grafana", R}, {"graph", R}, {"groupware", L}, {"groupwise", L}, {"gsm", A},
    {"guest", B | M}, {"gw", R}, {"gwy", R},
};
static const struct word words_h[] = {
    {"hdsl", A}, {"help", R}, {"helpdesk", R}, {"hera", R}, {"hermes", L}, {"hfc", A}, {"home", A},
    {"homes", A}, {"host", B}, {"hosted", M | E}, {"hostedby", E}, {"hosting", M}, {"hostip", B},
    {"hosts", B}, {"hotel", A}, {"hotspot", A}, {"hsdpa", A}, {"hsi", A}, {"hspa", A},
    {"hst", B | M}, {"huawei", A}, {"huis", A}, {"hv", M}, {"hwsrv", M}, {"hyperv", M},
};
static const struct word words_i[] = {
    {"icinga", R}, {"id", R}, {"images", R}, {"imail", L}, {"imap", L}, {"imaps", L}, {"img", R},
    {"imss", L}, {"inactive", E}, {"inactivo", E}, {"inaddr", B}, {"inconnu", E}, {"info", R},
    {"infra", B}, {"instance", M}, {"instances", M}, {"interbusiness", B}, {"internetuser", B},
    {"intra", R}, {"intranet", R}, {"invalid", E}, {"ip", B}, {"ipaddr", B}, {"ipfixe", B},
    {"ipool", B}, {"iport", L}, {"ips", B}, {"irc", R}, {"iris", R}, {"ironmail", L},
    {"ironport", L}, {"isdn", A},
};
static const struct word words_j[] = {
    {"jabber", R}, {"jenkins", R}, {"jira", R}, {"jupiter", R},
};
static const struct word words_k[] = {
    {"kabel", A}, {"kdc", R}, {"klient", B}, {"klienty", B}, {"kolab", L}, {"kunde", B},
    {"kunden", B}, {"kvm", M},
};
static const struct word words_l[] = {
    {"lab", B}, {"lan", A}, {"ldap", R}, {"leased", B}, {"leasedline", B}, {"libero", E},
    {"libre", E}, {"lightsail", M}, {"line", B}, {"linea", B}, {"linode", M}, {"linux", R},
    {"list", L}, {"lists", L}, {"listserv", L}, {"livre", E}, {"log", R}, {"login", R},
    {"logs", R}, {"lotus", L}, {"lte", A}, {"lvps", M}, {"lxc", M},
};
static const struct word words_m[] = {
    {"mac", R}, {"magento", R}, {"mail", L}, {"mailbox", L}, {"mailcleaner", L}, {"mailcow", L},
    {"maildrop", L}, {"mailer", S | L}, {"mailers", S}, {"mailfilter", L}, {"mailgate", S},
    {"mailgateway", L}, {"mailguard", L}, {"mailgw", L}, {"mailhost", L}, {"mailhub", L},
    {"mailin", L}, {"mailman", L}, {"mailmarshal", L}, {"mailout", S}, {"mailouts", S},
    {"mailrelay", S}, {"mails", L}, {"mailscanner", L}, {"mailserv", L}, {"mailserver", L},
    {"mailsrv", L}, {"mailstore", L}, {"mailsvr", L}, {"mailsweeper", L}, {"mailtransmit", S},
    {"mailx", L}, {"main", R}, {"managed", M}, {"mars", R}, {"massmail", S}, {"master", R},
    {"max", A}, {"mbox", L}, {"mbx", L}, {"mda", L}, {"mdaemon", L}, {"media", R}, {"meet", R},
    {"merak", L}, {"mercury", R}, {"mesh", A}, {"metal", M}, {"mgmt", R}, {"mimecast", L},
    {"mirror", R}, {"mobi", A}, {"mobil", A}, {"mobile", A}, {"modem", A}, {"mon", R},
    {"monitor", R}, {"monitoring", R}, {"mout", S}, {"moutng", S}, {"mouts", S}, {"msa", L},
    {"msg", L}, {"msgout", S}, {"mssql", R}, {"msx", L}, {"mta", S}, {"mtaout", S}, {"mtas", S},
    {"mumble", R}, {"munin", R}, {"mx", L}, {"mxa", L}, {"mxb", L}, {"mxin", L}, {"mxout", S},
    {"mxouts", S}, {"mxs", L}, {"mysql", R},
};
static const struct word words_n[] = {
    {"nagios", R}, {"nameless", E}, {"nameserver", R}, {"nas", A | R}, {"nat", A}, {"natpool", A},
    {"natted", A}, {"nb", B}, {"nc", R}, {"net", B}, {"netblock", B}, {"netmail", L}, {"news", S},
    {"newsletter", S}, {"newsletters", S}, {"nextcloud", R}, {"nms", R}, {"noc", R}, {"nod", B},
    {"node", B | M}, {"nodes", M}, {"nodns", E}, {"nodo", B}, {"noentry", E}, {"nohost", E},
    {"nohostname", E}, {"noname", E}, {"none", E}, {"noptr", E}, {"noptrrecord", E}, {"nordns", E},
    {"norecord", E}, {"norecords", E}, {"norevdns", E}, {"norevers", E}, {"noreverse", E},
    {"notassigned", E}, {"notconfigured", E}, {"notes", L}, {"notification", S},
    {"notifications", S}, {"notify", S}, {"notinuse", E}, {"notset", E}, {"notused", E},
    {"ns", M | R}, {"nscache", R}, {"nse", R}, {"ntp", R}, {"null", E}, {"nxdomain", E},
};
static const struct word words_o[] = {
    {"ob", S}, {"obound", S}, {"odm", S}, {"office", R}, {"olt", A}, {"oltp", A}, {"omr", S},
    {"onion", R}, {"ont", A}, {"onu", A}, {"openvpn", R}, {"openvz", M}, {"oracle", R},
    {"orion", R}, {"out", S}, {"outb", S}, {"outbound", S}, {"outboundmail", S}, {"outgoing", S},
    {"outlook", L}, {"outmail", S}, {"outmx", S}, {"outpost", S}, {"outsmtp", S}, {"ovz", M},
    {"owa", L}, {"owncloud", R},
};
static const struct word words_p[] = {
    {"parked", E}, {"pat", A}, {"pbx", R}, {"pc", B}, {"pdns", R}, {"pending", E}, {"phone", R},
    {"placeholder", E}, {"pluto", R}, {"pm", A}, {"pmta", L}, {"pobox", L}, {"poczta", L},
    {"pon", A}, {"pool", B}, {"poolip", B}, {"pools", A}, {"pop", L}, {"popmail", L}, {"port", B},
    {"portal", R}, {"portmaster", A}, {"post", L}, {"posta", L}, {"postbox", L}, {"poste", L},
    {"postfix", L}, {"postmaster", L}, {"postoffice", L}, {"ppagent", L}, {"ppool", B}, {"ppp", A},
    {"pppoe", A}, {"pptp", A}, {"primary", R}, {"priv", B}, {"private", B}, {"prod", R},
    {"promo", S}, {"proofpoint", L}, {"proxmox", M}, {"proxy", R}, {"pstn", A}, {"ptr", B},
    {"ptrs", B | E}, {"puppet", R},
};
static const struct word words_q[] = {
    {"qmail", L},
};
static const struct word words_r[] = {
    {"rack", M}, {"radio", A}, {"radius", R}, {"range", B}, {"ras", A}, {"rasserver", A},
    {"rdns", B | E}, {"rdnsip", B}, {"rdnsless", E}, {"rdp", R}, {"recursive", R}, {"redirect", R},
    {"registry", R}, {"relais", S}, {"relay", S}, {"relayout", S}, {"relays", S}, {"remote", R},
    {"res", B | R}, {"reservado", E}, {"reserve", B | E}, {"reserved", B | E}, {"resi", A},
    {"residence", A}, {"residencial", A}, {"residential", A}, {"resnet", B}, {"resolv", R},
    {"resolve", R}, {"resolver", R}, {"retry", S}, {"rev", B}, {"revdns", B}, {"revers", B},
    {"reverse", B}, {"reversed", B}, {"revip", B}, {"revptr", B | E}, {"rezerv", E}, {"rly", S},
    {"rns", R}, {"room", B}, {"root", M}, {"rootserver", M}, {"rootsrv", M}, {"router", R},
    {"rps", M}, {"rs", R}, {"rst", B}, {"rt", R}, {"rtr", R},
};
static const struct word words_s[] = {
    {"sat", A}, {"satellite", A}, {"saturn", R}, {"scalix", L}, {"scw", M}, {"sd", M}, {"sdsl", A},
    {"secmail", L}, {"secondary", R}, {"secure", R}, {"security", R}, {"segment", B}, {"send", S},
    {"sender", S}, {"senders", S}, {"sendgrid", L}, {"sendmail", S}, {"sent", S}, {"serv", M},
    {"server", M | R}, {"serverid", M}, {"servers", M}, {"serveur", M}, {"servidor", M},
    {"setptr", E}, {"shdsl", A}, {"shell", R}, {"shop", R}, {"sip", R}, {"site", R}, {"slave", R},
    {"slice", M}, {"slip", A}, {"slot", M}, {"smail", L}, {"smarthost", S}, {"smb", B}, {"sme", B},
    {"smokeping", R}, {"sms", R}, {"smtp", L}, {"smtpauth", S}, {"smtpd", L}, {"smtpgw", L},
    {"smtpin", L}, {"smtpng", S}, {"smtpout", S}, {"smtpouts", S}, {"smtprelay", S}, {"smtps", L},
    {"snow", R}, {"soho", B}, {"solaris", R}, {"spam", L}, {"spamfilter", L}, {"spamgw", L},
    {"spamtitan", L}, {"spamwall", L}, {"spare", B | E}, {"speedtest", R}, {"speedy", A},
    {"sql", R}, {"squid", R}, {"srv", M}, {"srvr", M}, {"ssh", R}, {"ssl", R}, {"sta", B},
    {"stage", R}, {"staging", R}, {"standalone", M}, {"stat", B}, {"static", B}, {"staticadsl", B},
    {"staticip", B}, {"staticline", B}, {"statik", B}, {"statisch", B}, {"stats", R},
    {"status", R}, {"statyczny", B}, {"storage", R}, {"store", R}, {"ststic", B}, {"student", B},
    {"stun", R}, {"sub", B}, {"submission", L}, {"subnet", B}, {"subs", B}, {"subscr", B},
    {"subscriber", B}, {"sun", R}, {"support", R}, {"suscriptor", B}, {"svn", R}, {"svobodny", E},
    {"sync", R},
};
static const struct word words_t[] = {
    {"tbd", E}, {"telecable", A}, {"test", R}, {"testing", R}, {"time", R}, {"tmo", A}, {"tnt", A},
    {"tor", R}, {"torexit", R}, {"torproxy", R}, {"torrelay", R}, {"track", R}, {"trans", S},
    {"transact", S}, {"transactional", S}, {"transmit", S}, {"tunnel", A}, {"tunnelbroker", R},
};
static const struct word words_u[] = {
    {"ubuntu", M}, {"umts", A}, {"unalloc", E}, {"unallocated", B | E}, {"unassigned", E},
    {"unconfigured", E}, {"undef", E}, {"undefined", E}, {"undelegated", E}, {"uninitialized", E},
    {"unit", B}, {"unix", R}, {"unknown", E}, {"unmanaged", M}, {"unnamed", E},
    {"unregistered", E}, {"unset", E}, {"unspecified", E}, {"unused", E}, {"update", R},
    {"upload", R}, {"user", B}, {"userip", B}, {"users", B}, {"usr", A | B}, {"usuario", B},
    {"utente", B},
};
static const struct word words_v[] = {
    {"vc", M}, {"vcs", R}, {"vdc", M}, {"vds", M}, {"vdsl", A}, {"velox", A}, {"venus", R},
    {"vhost", M}, {"video", R}, {"virt", M}, {"virtual", M}, {"virtualserver", M}, {"virusgw", L},
    {"vlan", B}, {"vm", M}, {"vmd", M}, {"vmi", M}, {"vmta", S}, {"vmware", M}, {"voip", R},
    {"vpdn", A}, {"vpn", R}, {"vps", M}, {"vpsnode", M}, {"vpsserver", M}, {"vpsw", M}, {"vs", M},
    {"vsat", A}, {"vserv", M}, {"vserver", M}, {"vsmtp", L}, {"vz", M},
};
static const struct word words_w[] = {
    {"wan", A}, {"wcdma", A}, {"web", R}, {"webdns", R}, {"webhost", R}, {"webmail", L},
    {"webserv", R}, {"webserver", R}, {"websrv", R}, {"wifi", A}, {"wiki", R}, {"wimax", A},
    {"win", M | R}, {"windows", M}, {"winvps", M}, {"wireless", A}, {"wisp", A}, {"wks", B},
    {"wlan", A}, {"wlanpool", A}, {"wll", A}, {"wmail", L}, {"wolny", E}, {"workstation", B},
    {"ws", B}, {"wvps", M}, {"www", R}, {"wwww", R},
};
static const struct word words_x[] = {
    {"xdsl", A}, {"xen", M}, {"xeon", M}, {"xmail", S}, {"xmpp", R},
};
static const struct word words_z[] = {
    {"zabbix", R}, {"zeus", R}, {"zimbra", L}, {"zm", L}, {"zmail", L},
};
/* clang-format on */

#define LETTER(c)                                                                                  \
    {                                                                                              \
        words_##c, sizeof(words_##c) / sizeof(words_##c[0])                                        \
    }

static const struct {
    const struct word *list;
    size_t n;
} letters[26] = {
    LETTER(a), LETTER(b), LETTER(c), LETTER(d), LETTER(e), LETTER(f), LETTER(g),
    LETTER(h), LETTER(i), LETTER(j), LETTER(k), LETTER(l), LETTER(m), LETTER(n),
    LETTER(o), LETTER(p), LETTER(q), LETTER(r), LETTER(s), LETTER(t), LETTER(u),
    LETTER(v), LETTER(w), LETTER(x), {NULL, 0}, LETTER(z),
};

uint32_t word_class(const char *s, size_t n)
{
    const struct word *list;
    size_t low = 0, high, mid;
    int order;

    if (n < 2 || n >= WORD_MAX || s[0] < 'a' || s[0] > 'z')
        return 0;
    list = letters[s[0] - 'a'].list;
    high = letters[s[0] - 'a'].n;
    while (low < high) {
        mid = low + (high - low) / 2;
        order = s[1] - list[mid].text[1];
        if (order == 0)
            order = memcmp(s, list[mid].text, n);
        if (order == 0 && list[mid].text[n] == '\0')
            return list[mid].classes;
        if (order <= 0)
            high = mid;
        else
            low = mid + 1;
    }
    return 0;
}

struct stem {
    const char *text; /* without the first letter */
    uint8_t len, orgs;
};

#define NET  ORG_NET
#define HOST ORG_HOST
#define MAIL ORG_MAIL

/* Stems that domains of operators hold, by first letter. */
/* clang-format off */
static const struct stem stems_a[] = {
    {"ccess", 5, NET}, {"dsl", 3, NET}, {NULL, 0, 0},
};
static const struct stem stems_b[] = {
    {"ounce", 5, MAIL}, {"roadband", 8, NET}, {NULL, 0, 0},
};
static const struct stem stems_c[] = {
    {"able", 4, NET}, {"ampaign", 7, MAIL}, {"atv", 3, NET}, {"loud", 4, HOST}, {"olo", 3, HOST}, {"onnect", 6, NET}, {NULL, 0, 0},
};
static const struct stem stems_d[] = {
    {"atacen", 6, HOST}, {"edi", 3, HOST}, {"eliver", 6, MAIL}, {"ial", 3, NET}, {"sl", 2, NET}, {NULL, 0, 0},
};
static const struct stem stems_f[] = {
    {"iber", 4, NET}, {"ibra", 4, NET}, {"ibre", 4, NET}, {NULL, 0, 0},
};
static const struct stem stems_h[] = {
    {"ost", 3, HOST}, {NULL, 0, 0},
};
static const struct stem stems_i[] = {
    {"net", 3, NET}, {"nternet", 7, NET}, {"sp", 2, NET}, {NULL, 0, 0},
};
static const struct stem stems_l[] = {
    {"ink", 3, NET}, {NULL, 0, 0},
};
static const struct stem stems_m[] = {
    {"ail", 3, MAIL}, {"obil", 4, NET}, {"ta", 2, MAIL}, {NULL, 0, 0},
};
static const struct stem stems_n[] = {
    {"et", 2, NET}, {"ewsletter", 9, MAIL}, {NULL, 0, 0},
};
static const struct stem stems_o[] = {
    {"nline", 5, NET}, {NULL, 0, 0},
};
static const struct stem stems_r[] = {
    {"ack", 3, HOST}, {"elay", 4, MAIL}, {NULL, 0, 0},
};
static const struct stem stems_s[] = {
    {"end", 3, MAIL}, {"erv", 3, HOST}, {"mtp", 3, MAIL}, {"pam", 3, MAIL}, {NULL, 0, 0},
};
static const struct stem stems_t[] = {
    {"el", 2, NET}, {NULL, 0, 0},
};
static const struct stem stems_v[] = {
    {"ds", 2, HOST}, {"irtual", 6, HOST}, {"ps", 2, HOST}, {NULL, 0, 0},
};
static const struct stem stems_w[] = {
    {"ave", 3, NET}, {"eb", 2, NET}, {"ifi", 3, NET}, {"ireless", 7, NET}, {NULL, 0, 0},
};

/* For each first letter also which second letters occur, one bit each. */
#define SECOND(c) (1u << ((c) - 'a'))

static const struct {
    const struct stem *list;
    uint32_t second;
} stems[26] = {
    ['a' - 'a'] = {stems_a, SECOND('c') | SECOND('d')},
    ['b' - 'a'] = {stems_b, SECOND('o') | SECOND('r')},
    ['c' - 'a'] = {stems_c, SECOND('a') | SECOND('l') | SECOND('o')},
    ['d' - 'a'] = {stems_d, SECOND('a') | SECOND('e') | SECOND('i') | SECOND('s')},
    ['f' - 'a'] = {stems_f, SECOND('i')},
    ['h' - 'a'] = {stems_h, SECOND('o')},
    ['i' - 'a'] = {stems_i, SECOND('n') | SECOND('s')},
    ['l' - 'a'] = {stems_l, SECOND('i')},
    ['m' - 'a'] = {stems_m, SECOND('a') | SECOND('o') | SECOND('t')},
    ['n' - 'a'] = {stems_n, SECOND('e')},
    ['o' - 'a'] = {stems_o, SECOND('n')},
    ['r' - 'a'] = {stems_r, SECOND('a') | SECOND('e')},
    ['s' - 'a'] = {stems_s, SECOND('e') | SECOND('m') | SECOND('p')},
    ['t' - 'a'] = {stems_t, SECOND('e')},
    ['v' - 'a'] = {stems_v, SECOND('d') | SECOND('i') | SECOND('p')},
    ['w' - 'a'] = {stems_w, SECOND('a') | SECOND('e') | SECOND('i')},
};
/* clang-format on */

uint32_t org_class(const char *s, size_t n)
{
    const struct stem *t;
    uint32_t set = 0;
    unsigned a, b = n > 0 ? (unsigned char)s[0] - (unsigned)'a' : 0;
    size_t i;

    for (i = 0; i + 1 < n; i++) {
        a = b;
        b = (unsigned char)s[i + 1] - (unsigned)'a';
        if (a >= 26 || b >= 26 || (stems[a].second >> b & 1) == 0)
            continue;
        for (t = stems[a].list; t->text != NULL; t++)
            if (t->len < n - i && memcmp(s + i + 1, t->text, t->len) == 0)
                set |= t->orgs;
    }
    return set;
}
