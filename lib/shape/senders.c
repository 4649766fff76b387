/* Domains in which well-known senders number their outbound hosts, written from
 * public knowledge: the documentation and SPF records of the senders.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "shape/parts.h"

#include <string.h>

/* A domain that also holds lines or servers of customers is not here as a
 * whole: only hosts below the zone `below` count. */
struct sender {
    const char *domain, *below;
};

/* Sorted by domain: the lookup halves the table. */
/* clang-format off */
static const struct sender senders[] = {
    {"126.com", ""}, {"126.net", ""}, {"139.com", ""}, {"163.com", ""}, {"189.cn", "mail"},
    {"21cn.com", "mail"}, {"263.net", "mail"}, {"263.net", "smtp"}, {"263xmail.com", ""},
    {"a2hosting.email", ""}, {"abv.bg", ""}, {"acemlna.com", ""}, {"acemlnb.com", ""},
    {"acemlnc.com", ""}, {"acemlnd.com", ""}, {"acems1.com", ""}, {"acems2.com", ""},
    {"acems3.com", ""}, {"acems4.com", ""}, {"acemsa1.com", ""}, {"acemsa2.com", ""},
    {"acemsa3.com", ""}, {"acemsa4.com", ""}, {"acemsa5.com", ""}, {"acemsb1.com", ""},
    {"acemsb2.com", ""}, {"acemsb3.com", ""}, {"acemsc1.com", ""}, {"acemsc2.com", ""},
    {"acemserv.com", ""}, {"acemsrva.com", ""}, {"acemsrvb.com", ""}, {"acemsrvc.com", ""},
    {"acemsrvd.com", ""}, {"actito.be", ""}, {"actito.com", ""}, {"activecampaign.com", ""},
    {"acumbamail.com", ""}, {"adobe-campaign.com", ""}, {"adobe.com", ""},
    {"agenturserver.de", ""}, {"agnitas.de", ""}, {"ahasend.com", ""}, {"aim.com", ""},
    {"airbnb.com", ""}, {"akna.com.br", ""}, {"alibaba-inc.com", ""}, {"alibaba.com", "mail"},
    {"alice.it", ""}, {"aliyun-inc.com", ""}, {"aliyun.com", "dm"}, {"aliyun.com", "mail"},
    {"aliyun.com", "qiye"}, {"allin.com.br", ""}, {"allinmedia.com.br", ""}, {"altospam.com", ""},
    {"altospam.net", ""}, {"amail.co.kr", ""}, {"amazon.co.jp", ""}, {"amazon.co.uk", ""},
    {"amazon.de", ""}, {"amazonses.com", ""}, {"anonaddy.me", ""}, {"antispamcloud.com", ""},
    {"antispameurope.com", ""}, {"aol.com", "mail"}, {"aol.com", "mx"}, {"appriver.com", ""},
    {"apptix.net", ""}, {"arcor.de", ""}, {"argewebhosting.nl", ""}, {"arsmtp.com", ""},
    {"artegic.net", ""}, {"aruba.it", ""}, {"arubapec.it", ""}, {"atlassian.net", ""},
    {"atmailcloud.com", ""}, {"att.net", "mms"}, {"authsmtp.com", ""}, {"autistici.org", ""},
    {"automattic.com", ""}, {"aweber.com", ""}, {"b-one.net", "mail"}, {"baidu.com", ""},
    {"barracuda.com", ""}, {"barracudanetworks.com", ""}, {"bbox.fr", "smtpout"},
    {"beehiiv.com", ""}, {"bellsouth.net", "mail"}, {"benchmarkemail.com", ""}, {"bfi0.com", ""},
    {"bigfish.com", ""}, {"bigfootinteractive.com", ""}, {"biglobe.ne.jp", "mail"},
    {"bigmir.net", ""}, {"bigpond.com", "bpe"}, {"bigpond.com", "email"},
    {"bigpond.com", "extmail"}, {"blayn.jp", ""}, {"blizzard.com", ""}, {"bluehost.com", ""},
    {"bluewin.ch", "smtp"}, {"bm23.com", ""}, {"bmetrack.com", ""}, {"bmsend.com", ""},
    {"bol.com.br", ""}, {"booking.com", ""}, {"braze.com", ""}, {"brevo.com", ""},
    {"broadmail.de", ""}, {"bronto.com", ""}, {"btconnect.com", ""}, {"btinternet.com", "mail"},
    {"buttondown.email", ""}, {"campaignmonitor.com", ""}, {"ccmdcampaigns.net", ""},
    {"ccsend.com", ""}, {"centrum.cz", ""}, {"centurylink.net", "mail"}, {"charter.net", "mail"},
    {"charter.net", "smtp"}, {"cheetahmail.com", ""}, {"chtah.com", ""}, {"chtah.net", ""},
    {"cisco.com", ""}, {"citromail.hu", ""}, {"ckespa.com", ""}, {"cleverreach.com", ""},
    {"cloudfilter.net", ""}, {"cloudflare-email.com", ""}, {"cloudflare-email.net", ""},
    {"cmail1.com", ""}, {"cmail19.com", ""}, {"cmail2.com", ""}, {"cmail20.com", ""},
    {"cmail3.com", ""}, {"cmail4.com", ""}, {"cmail5.com", ""}, {"combzmail.jp", ""},
    {"comcast.net", "email"}, {"comcast.net", "mail"}, {"comcast.net", "mailout"},
    {"comcast.net", "sys"}, {"comcast.net", "westchester.pa.mail"}, {"constantcontact.com", ""},
    {"contactlab.com", ""}, {"contactlab.it", ""}, {"convertkit.com", ""}, {"copernica.com", ""},
    {"copernica.nl", ""}, {"coremail.cn", ""}, {"cox.net", "mail"}, {"cox.net", "mgw"},
    {"cpmail.in", ""}, {"createsend.com", ""}, {"crsend.com", ""}, {"cudamail.com", ""},
    {"cuenote.jp", ""}, {"customer.io", ""}, {"customeriomail.com", ""}, {"cyon.ch", ""},
    {"dartmail.net", ""}, {"dashasender.ru", ""}, {"daum.net", ""}, {"ddlnk.net", ""},
    {"delivra.com", ""}, {"desk.com", ""}, {"dfn.de", "mail"}, {"dfn.de", "mailsupport"},
    {"dfn.de", "srv"}, {"dinamize.com", ""}, {"dinamizemail.com", ""}, {"dingtalk.com", ""},
    {"directsend.co.kr", ""}, {"discord.com", ""}, {"discordapp.com", ""}, {"dmdelivery.com", ""},
    {"docomo.ne.jp", ""}, {"docusign.com", ""}, {"docusign.net", ""}, {"doppler.com", ""},
    {"dotdigital.com", ""}, {"dotmailer-email.com", ""}, {"dotmailer-surveys.com", ""},
    {"dotmailer.com", ""}, {"doubleclick.net", ""}, {"dreamhost.com", "g"},
    {"dreamhost.com", "mail"}, {"drip.com", ""}, {"dropbox.com", ""}, {"dropboxmail.com", ""},
    {"duck.com", ""}, {"dynect.net", ""}, {"e-goi.com", ""}, {"earthlink.net", "mail"},
    {"easydns.com", ""}, {"ebay.com", ""}, {"ebaymail.com", ""}, {"ec-cluster.com", ""},
    {"ec-messenger.com", ""}, {"ecircle.com", ""}, {"eclipso.de", ""}, {"ecm-cluster.com", ""},
    {"ecounterp.com", ""}, {"edgewave.com", ""}, {"egoi.com", ""}, {"egoiapp2.com", ""},
    {"eigbox.net", ""}, {"elaine-asp.de", ""}, {"elasticemail.com", ""}, {"elasticemail.net", ""},
    {"electric.net", ""}, {"eleven.de", ""}, {"eloqua.com", ""}, {"email.cz", ""},
    {"emailarray.com", ""}, {"emailit.com", ""}, {"emailmatrix.ru", ""}, {"emailsp.com", ""},
    {"emailsrvr.com", ""}, {"emailsys.net", ""}, {"emailsys1a.net", ""}, {"emailsys2a.net", ""},
    {"emailvision.net", ""}, {"emarsys.com", ""}, {"emarsys.net", ""}, {"emberpoint.com", ""},
    {"embluejet.com", ""}, {"embluemail.com", ""}, {"emsd1.com", ""}, {"emsecure.net", ""},
    {"emsmtp.com", ""}, {"emv2.com", ""}, {"emv4.net", ""}, {"emv5.com", ""}, {"emv8.com", ""},
    {"en25.com", ""}, {"envialosimple.com", ""}, {"epicgames.com", ""}, {"episerver.net", ""},
    {"epsilon.com", ""}, {"epsl1.com", ""}, {"esputnik.com", ""}, {"et-deliver.com", ""},
    {"euromsg.com", ""}, {"euromsg.net", ""}, {"eventbrite.com", ""}, {"evernote.com", ""},
    {"exacttarget.com", ""}, {"exchangedefender.com", ""}, {"exchangelabs.com", ""},
    {"excite.com", ""}, {"exct.net", ""}, {"exghost.com", ""}, {"expedia.com", ""},
    {"expediamail.com", ""}, {"experian.com", ""}, {"experianmail.com", ""}, {"expurgate.de", ""},
    {"expurgate.net", ""}, {"ezweb.ne.jp", ""}, {"facebook.com", ""}, {"facebook.net", ""},
    {"facebookmail.com", ""}, {"falconide.com", ""}, {"fastmail.com", ""}, {"fb.com", ""},
    {"fdmailer.com", ""}, {"feishu.cn", ""}, {"fireeyecloud.com", ""}, {"flowmailer.net", ""},
    {"focussend.com", ""}, {"forcepoint.com", ""}, {"forpsi.com", "smtp"},
    {"forwardemail.net", ""}, {"foxmail.com", ""}, {"free.fr", "mail"}, {"free.fr", "smtp"},
    {"freemail.hu", ""}, {"freenet.de", ""}, {"freshdesk.com", ""}, {"freshemail.io", ""},
    {"fromdoppler.com", ""}, {"fromdoppler.net", ""}, {"frontbridge.com", ""},
    {"fusemail.com", ""}, {"fusemail.net", ""}, {"gandi.net", "mail"}, {"gandi.net", "out"},
    {"gandi.net", "spool.mail"}, {"getdrip.com", ""}, {"getresponse-mail.com", ""},
    {"getresponse.com", ""}, {"ghost.io", ""}, {"github.com", ""}, {"gitlab.com", ""},
    {"gmx.com", ""}, {"gmx.de", ""}, {"gmx.net", ""}, {"google.com", ""}, {"googlegroups.com", ""},
    {"googlemail.com", ""}, {"gr-mail.com", ""}, {"groupon.com", ""}, {"grouponmail.com", ""},
    {"groups.io", ""}, {"hanmail.net", ""}, {"helpscout.com", ""}, {"helpscout.net", ""},
    {"hinet.net", "msa"}, {"hiworks.co.kr", ""}, {"hiworks.com", ""}, {"hornetsecurity.com", ""},
    {"hostedemail.com", ""}, {"hostedmail.com", ""}, {"hostedmail.net", ""}, {"hostgator.com", ""},
    {"hostinger.com", "mail"}, {"hostinger.com", "smtp"}, {"hostinger.io", ""},
    {"hostmonster.com", ""}, {"hostpoint.ch", "mail"}, {"hot.ee", ""}, {"hotmail.com", ""},
    {"hubspot.com", ""}, {"hubspotemail.net", ""}, {"hubspotservers.net", ""},
    {"hushmail.com", ""}, {"i.ua", ""}, {"ic5.com", ""}, {"icgroup.com", ""}, {"icloud.com", ""},
    {"icommarketing.com", ""}, {"icontact.com", ""}, {"icoremail.net", ""}, {"icpbounce.com", ""},
    {"ig.com.br", ""}, {"iinet.net.au", "icp"}, {"iinet.net.au", "mail"}, {"improvmx.com", ""},
    {"inbox.com", ""}, {"inbox.lv", ""}, {"infomaniak.ch", "mail"}, {"infomaniak.com", ""},
    {"instagram.com", ""}, {"intercom-mail.com", ""}, {"intercom.com", "evernote"},
    {"intercom.io", ""}, {"interia.pl", ""}, {"intermedia.net", ""}, {"inxmail.com", ""},
    {"inxserver.com", ""}, {"inxserver.de", ""}, {"iol.it", ""}, {"ionos.com", "mout"},
    {"iphmx.com", ""}, {"ironport.com", ""}, {"ispgateway.de", ""}, {"italiaonline.it", ""},
    {"iterable.com", ""}, {"jangomail.com", ""}, {"jangosmtp.net", ""}, {"jimdo.com", ""},
    {"jisc.ac.uk", ""}, {"juno.com", ""}, {"justhost.com", ""}, {"juvlon.com", ""},
    {"kajomi.de", ""}, {"kakao.com", ""}, {"kasserver.com", ""}, {"kenscio.com", ""},
    {"klaviyo.com", ""}, {"klaviyomail.com", ""}, {"kpnmail.nl", ""}, {"kundenserver.de", "mout"},
    {"l-soft.com", ""}, {"laposte.net", ""}, {"larksuite.com", ""}, {"linkedin.com", ""},
    {"listbox.com", ""}, {"listrak.com", ""}, {"listrakbi.com", ""}, {"live.com", ""},
    {"livingsocial.com", ""}, {"locamail.com.br", ""}, {"locaweb.com.br", ""},
    {"locaweb.email", ""}, {"logix.in", ""}, {"lolipop.jp", ""}, {"loopia.se", ""},
    {"loops.so", ""}, {"lsoft.com", ""}, {"ltrk.com", ""}, {"lycos.com", ""}, {"lyris.net", ""},
    {"lyrishq.com", ""}, {"mac.com", ""}, {"mag2.com", ""}, {"mail-filter.com", ""},
    {"mail-tester.com", ""}, {"mail.bg", ""}, {"mail.com", ""}, {"mail.de", ""}, {"mail.ee", ""},
    {"mail.ru", ""}, {"mailanyone.net", ""}, {"mailbiz.com.br", ""}, {"mailbox.org", ""},
    {"mailbulls.com", ""}, {"mailchannels.net", ""}, {"mailchimp.com", ""},
    {"mailchimpapp.net", ""}, {"mailcontrol.com", ""}, {"mailerlite.com", ""},
    {"mailersend.com", ""}, {"mailersend.net", ""}, {"mailfence.com", ""}, {"mailfilter.nl", ""},
    {"mailforward.com", ""}, {"mailganer.com", ""}, {"mailguard.com.au", ""}, {"mailgun.co", ""},
    {"mailgun.com", ""}, {"mailgun.info", ""}, {"mailgun.net", ""}, {"mailgun.org", ""},
    {"mailgun.us", ""}, {"mailhop.org", ""}, {"mailhostbox.com", ""}, {"mailin.fr", ""},
    {"mailinblack.com", ""}, {"mailing-work.de", ""}, {"mailinglijst.nl", ""},
    {"mailingwork.de", ""}, {"mailjet.com", ""}, {"mailjet.net", ""}, {"mailkit.com", ""},
    {"mailkit.eu", ""}, {"mailo.com", ""}, {"mailoutpod.com", ""}, {"mailplus.nl", ""},
    {"mailprotect.be", ""}, {"mailpub.jp", ""}, {"mailrelay.com", ""}, {"mailroute.net", ""},
    {"mailspamprotection.com", ""}, {"mailspec.com", ""}, {"mailstreet.com", ""},
    {"mailtank.com", ""}, {"mailtrap.io", ""}, {"mailtrust.com", ""}, {"mailup.com", ""},
    {"mailup.net", ""}, {"mailwash.com.au", ""}, {"mailzone.in", ""}, {"mandic.com.br", ""},
    {"mandrillapp.com", ""}, {"marketo.com", ""}, {"marketo.org", ""}, {"mcafee.com", ""},
    {"mcafeesaas.com", ""}, {"mcdlv.net", ""}, {"mcsv.net", ""}, {"me.com", ""},
    {"medallia.com", ""}, {"meetup.com", ""}, {"messagelabs.com", ""}, {"messagelabs.net", ""},
    {"messagesystems.com", ""}, {"messagingengine.com", ""}, {"meta.ua", ""},
    {"microsoft.com", ""}, {"migadu.com", ""}, {"mijndomein.nl", ""}, {"mimecast.co.za", ""},
    {"mimecast.com", ""}, {"mimecastprotect.com", ""}, {"mindbox.cloud", ""}, {"mindbox.ru", ""},
    {"mithi.com", ""}, {"mjt.lu", ""}, {"mkt41.net", ""}, {"mkt51.net", ""}, {"mkt61.net", ""},
    {"mkt7.com", ""}, {"mkt81.net", ""}, {"mkt9.com", ""}, {"mktdns.com", ""},
    {"mktnaweb.com", ""}, {"mktomail.com", ""}, {"mktroute.com", ""}, {"mlsend.com", ""},
    {"mlsend2.com", ""}, {"mpse.jp", ""}, {"msn.com", ""}, {"mtasv.net", ""},
    {"mtnbusiness.co.za", ""}, {"musvc.com", ""}, {"muumuu-mail.com", ""}, {"mxguarddog.com", ""},
    {"mxlogic.net", ""}, {"mxroute.com", ""}, {"mxrouting.net", ""}, {"mxthunder.com", ""},
    {"mxthunder.net", ""}, {"my.com", ""}, {"nabble.com", ""}, {"nabble.net", ""},
    {"nate.com", ""}, {"naver.com", ""}, {"neolane.net", ""}, {"netcore.co.in", ""},
    {"netcorecloud.net", ""}, {"netease.com", ""}, {"netflix.com", ""}, {"netsolmail.net", ""},
    {"networksolutions.com", ""}, {"networksolutionsemail.com", ""}, {"netzero.net", ""},
    {"newsletter2go.com", ""}, {"nic.ru", ""}, {"nifty.com", "mail"}, {"ning.com", ""},
    {"nintendo.net", ""}, {"nospamcloud.com", ""}, {"nospamproxy.de", ""}, {"notisend.ru", ""},
    {"ntlworld.com", "mail"}, {"o2.pl", ""}, {"oath.com", ""}, {"ocn.ad.jp", "mail"},
    {"octane.in", ""}, {"office365.com", ""}, {"one.com", "mail"}, {"onet.pl", ""},
    {"optivo.com", ""}, {"optivo.net", ""}, {"optonline.net", "mail"}, {"optusnet.com.au", "smtp"},
    {"oracle.com", ""}, {"oracleemaildelivery.com", ""}, {"orange.fr", "smtp"},
    {"orange.fr", "smtpout"}, {"outlook.com", ""}, {"ovh.net", "mail"}, {"ovh.net", "mail-out"},
    {"ovh.net", "mail-outbound"}, {"ovh.net", "mo"}, {"ovh.net", "mxb"}, {"ovh.net", "mxplan"},
    {"oxcs.net", ""}, {"oxsus-vadesecure.net", ""}, {"pardot.com", ""}, {"paypal.com", ""},
    {"pchome.com.tw", ""}, {"pec.it", ""}, {"pepipost.com", ""}, {"perfora.net", "mout"},
    {"pinterest.com", ""}, {"playstation.net", ""}, {"plunk.dev", ""}, {"pm.me", ""},
    {"pobox.com", ""}, {"posteo.de", ""}, {"postmarkapp.com", ""}, {"ppe-hosted.com", ""},
    {"pphosted.com", ""}, {"pphosted.net", ""}, {"ppops.net", ""}, {"ppsmtp.net", ""},
    {"privateemail.com", ""}, {"promio-mail.com", ""}, {"proofpoint.com", ""}, {"proton.ch", ""},
    {"proton.me", ""}, {"protonmail.ch", ""}, {"protonmail.com", ""}, {"proximus.be", "mail"},
    {"pure360.com", ""}, {"pure360.net", ""}, {"purelymail.com", ""}, {"qq.com", ""},
    {"qualtrics.com", ""}, {"quora.com", ""}, {"rambler-co.ru", ""}, {"rambler-mail.ru", ""},
    {"rambler.ru", ""}, {"rapidmail.de", ""}, {"redcondor.net", ""}, {"reddit.com", ""},
    {"redditmail.com", ""}, {"rediffmail.com", ""}, {"rediffmailpro.com", ""}, {"rediris.es", ""},
    {"reflexion.net", ""}, {"reg.ru", "hosting"}, {"registeredsite.com", ""},
    {"registrar-servers.com", ""}, {"relateddigital.com", ""}, {"renater.fr", ""},
    {"repica.jp", ""}, {"resend.com", ""}, {"responsys.net", ""}, {"retarus.com", ""},
    {"retarus.de", ""}, {"retarus.net", ""}, {"riseup.net", ""}, {"rjmetrics.com", ""},
    {"rogers.com", "mail"}, {"roving.com", ""}, {"rr.com", "mail"}, {"rsgsv.net", ""},
    {"rsys.com", ""}, {"rsys1.com", ""}, {"rsys2.com", ""}, {"rsys3.com", ""}, {"rsys5.com", ""},
    {"runbox.com", ""}, {"rzone.de", "smtp"}, {"sailthru.com", ""}, {"sailthrumail.com", ""},
    {"sakura.ne.jp", "mail"}, {"sakura.ne.jp", "mx"}, {"salesforce.com", ""},
    {"scaleway-tem.com", ""}, {"securence.com", ""}, {"secureserver.net", "email"},
    {"secureserver.net", "prod.ams1"}, {"secureserver.net", "prod.iad2"},
    {"secureserver.net", "prod.phx"}, {"secureserver.net", "prod.phx3"},
    {"secureserver.net", "prod.sin2"}, {"secureserver.net", "prod.sxb1"},
    {"secureserver.net", "shr.prod.phx3"}, {"selligent.com", ""}, {"sendcloud.net", ""},
    {"sendcloud.org", ""}, {"sender-sib.com", ""}, {"sendgrid.com", ""}, {"sendgrid.net", ""},
    {"sendibm1.com", ""}, {"sendibm2.com", ""}, {"sendibm3.com", ""}, {"sendibt1.com", ""},
    {"sendibt2.com", ""}, {"sendibt3.com", ""}, {"sendinblue.com", ""}, {"sendlabs.com", ""},
    {"sendpul.se", ""}, {"sendpulse.com", ""}, {"sendsay.com", ""}, {"sendsay.ru", ""},
    {"serverdata.net", ""}, {"seznam.cz", ""}, {"sfmc.co", ""}, {"sfr.fr", "smtp"},
    {"shaw.ca", "mail"}, {"sherweb.com", ""}, {"sherweb2010.com", ""}, {"shopify.com", ""},
    {"shopifyemail.com", ""}, {"silverpop.com", ""}, {"simplelogin.co", ""}, {"simply.com", ""},
    {"sina.com", ""}, {"sina.com.cn", ""}, {"sina.net", ""}, {"slack-mail.com", ""},
    {"slack.com", ""}, {"slackemail.com", ""}, {"slgnt.eu", ""}, {"smailru.net", ""},
    {"smartfocus.net", ""}, {"smartresponder.ru", ""}, {"smtp.bz", ""}, {"smtp.com", ""},
    {"smtp.dev", ""}, {"smtp2go.com", ""}, {"smtproutes.com", ""}, {"so-net.ne.jp", "mail"},
    {"socketlabs.com", ""}, {"softbank.ne.jp", ""}, {"sohu.com", ""}, {"sophos.com", ""},
    {"sourceforge.net", ""}, {"spacemail.com", ""}, {"spamexperts.com", ""},
    {"spamexperts.eu", ""}, {"spamh.com", ""}, {"spamhero.com", ""}, {"spamtitan.com", ""},
    {"sparklist.com", ""}, {"sparkpost.com", ""}, {"sparkpostmail.com", ""},
    {"sparkpostmail1.com", ""}, {"sparkpostmail2.com", ""}, {"spmta.com", ""}, {"spotify.com", ""},
    {"spotler.com", ""}, {"squarespace.com", ""}, {"srv2.de", ""}, {"stabletransit.com", ""},
    {"startmail.com", ""}, {"steampowered.com", ""}, {"stibee.com", ""}, {"strato.de", "mail"},
    {"submail.cn", ""}, {"subscribe.ru", ""}, {"substack.com", ""}, {"surveymonkey.com", ""},
    {"symantec.com", ""}, {"symanteccloud.com", ""}, {"synacor.com", ""},
    {"t-online.de", "mailout"}, {"t-online.de", "smtp"}, {"tason.com", ""},
    {"telekom.de", "mailout"}, {"telenet-ops.be", ""}, {"telenor.net", "smtp"},
    {"telia.com", "mail"}, {"telkomsa.net", "smtp"}, {"telus.net", "mail"}, {"teradata.com", ""},
    {"terra.com.br", "mail"}, {"terra.com.br", "mx"}, {"tin.it", "mail"}, {"tin.it", "mta"},
    {"tiscali.it", "mail"}, {"tiscali.it", "smtp"}, {"titan.email", ""}, {"tpg.com.au", "mail"},
    {"transip.email", ""}, {"trendmicro.com", ""}, {"trendmicro.eu", ""}, {"tripadvisor.com", ""},
    {"tucows.com", ""}, {"tucows.net", "bra"}, {"turbo-smtp.com", ""}, {"turbosmtp.net", ""},
    {"turkticaret.net", ""}, {"tuta.com", ""}, {"tutanota.com", ""}, {"tutanota.de", ""},
    {"twilio.com", ""}, {"twitter.com", ""}, {"uber.com", ""}, {"unifiedlayer.com", "mail"},
    {"unisender.com", ""}, {"unoeuro.com", ""}, {"untd.com", ""}, {"uol.com.br", "mail"},
    {"uol.com.br", "smtp"}, {"vadesecure.com", ""}, {"value-server.com", ""},
    {"valvesoftware.com", ""}, {"verizon.net", "mail"}, {"verizon.net", "smtp"},
    {"verizonmedia.com", ""}, {"verticalresponse.com", ""}, {"videotron.ca", "mail"},
    {"virgilio.it", ""}, {"virginmedia.com", "mail"}, {"vivaldi.net", ""}, {"vresp.com", ""},
    {"vrmailer3.com", ""}, {"vtext.com", ""}, {"web-hosting.com", ""}, {"web.de", ""},
    {"webpower.asia", ""}, {"websense.net", ""}, {"websitewelcome.com", ""}, {"websupport.se", ""},
    {"wedos.net", "mail"}, {"wedos.net", "mailhosting"}, {"weebly.com", ""},
    {"windstream.net", "smtp"}, {"wix.com", ""}, {"wo.cn", "mail"}, {"wordpress.com", ""},
    {"worksmobile.com", ""}, {"wp.pl", ""}, {"x.com", ""}, {"xing.com", ""}, {"xs4all.net", ""},
    {"xtra.co.nz", "smtp"}, {"yahoo.co.jp", ""}, {"yahoo.com", ""}, {"yahoodns.net", ""},
    {"yahoogroups.com", ""}, {"yandex-team.ru", ""}, {"yandex.com", ""}, {"yandex.net", "cmail"},
    {"yandex.net", "forward"}, {"yandex.net", "mail"}, {"yandex.net", "smtp"}, {"yandex.ru", ""},
    {"yeah.net", ""}, {"your-server.de", "mail"}, {"yourhostingaccount.com", ""},
    {"zcsend.net", ""}, {"zdsys.com", ""}, {"zendesk.com", ""}, {"zeptomail.com", ""},
    {"zerospam.ca", ""}, {"ziggo.nl", "mail"}, {"ziggo.nl", "mailrelay"}, {"ziggo.nl", "smtp"},
    {"zoho.com", ""}, {"zoho.com.au", ""}, {"zoho.eu", ""}, {"zoho.in", ""}, {"zohocorp.com", ""},
    {"zohomail.com", ""}, {"zoznam.sk", ""},
};
/* clang-format on */

#define SENDERS (sizeof(senders) / sizeof(senders[0]))

/* The host part is, or ends with, the zone. */
static bool lies_below(const struct view *v, const char *zone)
{
    size_t n = strlen(zone);

    if (n == 0)
        return true;
    return v->host >= n && memcmp(v->text + v->host - n, zone, n) == 0 &&
           (v->host == n || v->text[v->host - n - 1] == '.');
}

bool sender_known(const struct view *v)
{
    const char *domain = v->text + v->org;
    size_t low = 0, high = SENDERS, mid;
    int order;

    if (v->bare)
        return false;
    while (low < high) {
        mid = low + (high - low) / 2;
        order = domain[0] - senders[mid].domain[0];
        if (order == 0)
            order = strcmp(domain, senders[mid].domain);
        if (order <= 0)
            high = mid;
        else
            low = mid + 1;
    }
    for (; low < SENDERS && strcmp(domain, senders[low].domain) == 0; low++)
        if (lies_below(v, senders[low].below))
            return true;
    return false;
}

/* Schemes that a sender uses in domains of its customers, where # stands for
 * a number: o1.ptr8526 is SendGrid. */
static const char *const schemes[] = {"o#.ptr#"};

static bool fits(const struct view *v, const char *scheme)
{
    size_t i = 0;

    for (; *scheme != '\0'; scheme++)
        if (*scheme != '#') {
            if (i >= v->host || v->text[i++] != *scheme)
                return false;
        } else {
            if (i >= v->host || v->sort[i] != VIEW_DIGIT)
                return false;
            while (i < v->host && v->sort[i] == VIEW_DIGIT)
                i++;
        }
    return i == v->host || v->text[i] == '.';
}

bool sender_scheme(const struct view *v)
{
    size_t i;

    for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]) && !v->bare; i++)
        if (fits(v, schemes[i]))
            return true;
    return false;
}
