/* Zones in which well-known senders number their outbound hosts, written from
 * public knowledge: the documentation and SPF records of the senders.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "generic_parts.h"

#include <string.h>

/* Sorted by octets: the lookup halves the table. A zone that also holds hosts
 * of customers is not here as a whole, only the part below which it sends. */
static const char *const zones[] = {
    /* clang-format off */
    "126.com", "126.net", "139.com", "163.com", "263xmail.com", "a2hosting.email", "abv.bg",
    "acemlna.com", "acemlnb.com", "acemlnc.com", "acemlnd.com", "acems1.com", "acems2.com",
    "acems3.com", "acems4.com", "acemsa1.com", "acemsa2.com", "acemsa3.com", "acemsa4.com",
    "acemsa5.com", "acemsb1.com", "acemsb2.com", "acemsb3.com", "acemsc1.com", "acemsc2.com",
    "acemserv.com", "acemsrva.com", "acemsrvb.com", "acemsrvc.com", "acemsrvd.com", "actito.be",
    "actito.com", "activecampaign.com", "acumbamail.com", "adobe-campaign.com", "adobe.com",
    "agnitas.de", "aim.com", "airbnb.com", "akna.com.br", "alibaba-inc.com", "alice.it",
    "aliyun-inc.com", "allin.com.br", "allinmedia.com.br", "altospam.com", "altospam.net",
    "amail.co.kr", "amazon.co.jp", "amazon.co.uk", "amazon.de", "amazonses.com",
    "antispamcloud.com", "antispameurope.com", "appriver.com", "apptix.net", "arcor.de",
    "argewebhosting.nl", "arsmtp.com", "artegic.net", "arubapec.it", "atlassian.net",
    "atmailcloud.com", "authsmtp.com", "autistici.org", "automattic.com", "aweber.com",
    "barracuda.com", "barracudanetworks.com", "benchmarkemail.com", "bfi0.com", "bigfish.com",
    "bigfootinteractive.com", "bigmir.net", "blayn.jp", "blizzard.com", "bm23.com", "bma.mpse.jp",
    "bmetrack.com", "bmsend.com", "bol.com.br", "booking.com", "bra.tucows.net", "braze.com",
    "brevo.com", "broadmail.de", "bronto.com", "btconnect.com", "c3s2.iphmx.com",
    "campaign.adobe.com", "campaignmonitor.com", "ccmdcampaigns.net", "ccsend.com", "centrum.cz",
    "cheetahmail.com", "chtah.com", "chtah.net", "cisco.com", "citromail.hu", "ckespa.com",
    "cleverreach.com", "cmail.yandex.net", "cmail1.com", "cmail19.com", "cmail2.com",
    "cmail20.com", "cmail3.com", "combzmail.jp", "constantcontact.com", "contactlab.com",
    "contactlab.it", "convertkit.com", "copernica.com", "copernica.nl", "coremail.cn",
    "createsend.com", "crsend.com", "cudamail.com", "cuenote.jp", "cust.hostedemail.com",
    "customer.io", "customeriomail.com", "cyon.ch", "dartmail.net", "dashasender.ru", "daum.net",
    "ddlnk.net", "delivra.com", "desk.com", "dinamize.com", "dinamizemail.com", "dingtalk.com",
    "directsend.co.kr", "discord.com", "discordapp.com", "dm.aliyun.com", "dmdelivery.com",
    "docomo.ne.jp", "docusign.com", "docusign.net", "doppler.com", "dotdigital.com",
    "dotmailer-email.com", "dotmailer-surveys.com", "dotmailer.com", "doubleclick.net", "drip.com",
    "dropbox.com", "dropboxmail.com", "dynect.net", "e-goi.com", "e.sparkpost.com", "easydns.com",
    "ebay.com", "ebaymail.com", "ec-cluster.com", "ec-messenger.com", "ecircle.com", "eclipso.de",
    "ecm-cluster.com", "ecounterp.com", "edgewave.com", "egoi.com", "egoiapp2.com",
    "elaine-asp.de", "elasticemail.com", "elasticemail.net", "electric.net", "eleven.de",
    "eloqua.com", "email.bigpond.com", "email.comcast.net", "email.cz", "emailarray.com",
    "emailmatrix.ru", "emailsp.com", "emailsrvr.com", "emailsys.net", "emailsys1a.net",
    "emailsys2a.net", "emailvision.net", "emarsys.com", "emarsys.net", "emberpoint.com",
    "embluejet.com", "embluemail.com", "emsd1.com", "emsecure.net", "emsmtp.com", "emv2.com",
    "emv4.net", "emv5.com", "emv8.com", "en25.com", "envialosimple.com", "epicgames.com",
    "episerver.net", "epsilon.com", "epsl1.com", "esputnik.com", "ess.barracudanetworks.com",
    "et-deliver.com", "et.exacttarget.com", "euromsg.com", "euromsg.net", "eventbrite.com",
    "evernote.com", "evernote.intercom.com", "exacttarget.com", "exchangedefender.com",
    "exchangelabs.com", "excite.com", "exct.net", "exg7.exghost.com", "exghost.com",
    "exmail.qq.com", "expedia.com", "expediamail.com", "experian.com", "experianmail.com",
    "expurgate.de", "expurgate.net", "ezweb.ne.jp", "facebook.com", "facebook.net",
    "facebookmail.com", "falconide.com", "fastmail.com", "fb.com", "fdmailer.com", "feishu.cn",
    "fireeyecloud.com", "flowmailer.net", "focussend.com", "forcepoint.com", "forward.yandex.net",
    "forwardemail.net", "foxmail.com", "freemail.hu", "freenet.de", "freshdesk.com",
    "freshemail.io", "fromdoppler.com", "fromdoppler.net", "frontbridge.com", "fusemail.com",
    "fusemail.net", "gateway.websitewelcome.com", "getdrip.com", "getresponse-mail.com",
    "getresponse.com", "github.com", "gitlab.com", "gmx.com", "gmx.de", "gmx.net", "google.com",
    "googlegroups.com", "googlemail.com", "gr-mail.com", "groupon.com", "grouponmail.com",
    "groups.io", "hanmail.net", "helpscout.com", "helpscout.net", "hes.trendmicro.com",
    "hiworks.co.kr", "hiworks.com", "hornetsecurity.com",
    "hostedemail.com", "hostedmail.com", "hostedmail.net", "hosting.reg.ru", "hostinger.io",
    "hot.ee", "hotmail.com", "hubspot.com", "hubspotemail.net", "hubspotservers.net",
    "hushmail.com", "i.mail.ru", "i.ua", "ic5.com", "icgroup.com", "icloud.com",
    "icommarketing.com", "icontact.com", "icoremail.net", "icp.iinet.net.au", "icpbounce.com",
    "ig.com.br", "improvmx.com", "inbox.com", "inbox.lv", "infomaniak.com", "instagram.com",
    "intercom-mail.com", "intercom.io", "interia.pl", "intermedia.net",
    "internal.messagingengine.com", "inxmail.com", "inxserver.com", "inxserver.de", "iol.it",
    "iphmx.com", "ironport.com", "ispgateway.de", "italiaonline.it", "iterable.com",
    "jangomail.com", "jangosmtp.net", "jimdo.com", "jisc.ac.uk", "juno.com", "juvlon.com",
    "kajomi.de", "kakao.com", "kenscio.com", "klaviyo.com", "klaviyomail.com", "kpnmail.nl",
    "l-soft.com", "laposte.net", "larksuite.com", "linkedin.com", "listbox.com", "listrak.com",
    "listrakbi.com", "lists.sourceforge.net", "live.com", "livingsocial.com", "locamail.com.br",
    "locaweb.email", "logix.in", "lolipop.jp", "lsoft.com", "ltrk.com", "lycos.com", "lyris.net",
    "lyrishq.com", "m.smailru.net", "mac.com", "mail-filter.com", "mail-mail.facebook.com",
    "mail-mxout.facebook.com", "mail-out.facebook.com", "mail-out.ovh.net",
    "mail-outbound.ovh.net", "mail-tester.com", "mail.139.com", "mail.189.cn", "mail.21cn.com",
    "mail.263.net", "mail.alibaba.com", "mail.aliyun.com", "mail.aol.com", "mail.b-one.net",
    "mail.bellsouth.net", "mail.bg", "mail.biglobe.ne.jp", "mail.btinternet.com",
    "mail.centurylink.net", "mail.charter.net", "mail.com", "mail.comcast.net", "mail.cox.net",
    "mail.de", "mail.dfn.de", "mail.dreamhost.com", "mail.earthlink.net", "mail.ee",
    "mail.free.fr", "mail.gandi.net", "mail.hostinger.com", "mail.hostpoint.ch",
    "mail.iinet.net.au", "mail.infomaniak.ch", "mail.lolipop.jp", "mail.loopia.se", "mail.me.com",
    "mail.nic.ru", "mail.nifty.com", "mail.ntlworld.com", "mail.ocn.ad.jp", "mail.one.com",
    "mail.optonline.net", "mail.ovh.net", "mail.protection.outlook.com", "mail.proximus.be",
    "mail.qq.com", "mail.rambler.ru", "mail.rogers.com", "mail.rr.com", "mail.ru",
    "mail.sakura.ne.jp", "mail.shaw.ca", "mail.so-net.ne.jp", "mail.strato.de",
    "mail.telenet-ops.be", "mail.telia.com", "mail.telus.net", "mail.terra.com.br", "mail.tin.it",
    "mail.tiscali.it", "mail.tpg.com.au", "mail.unifiedlayer.com", "mail.uol.com.br",
    "mail.verizon.net", "mail.videotron.ca", "mail.virginmedia.com", "mail.wedos.net",
    "mail.wo.cn", "mail.yahoo.com", "mail.yandex.net", "mail.ziggo.nl", "mailanyone.net",
    "mailbiz.com.br", "mailbox.org", "mailbulls.com", "mailchannels.net", "mailchimp.com",
    "mailchimpapp.net", "mailcontrol.com", "mailerlite.com", "mailersend.com", "mailersend.net",
    "mailfence.com", "mailfilter.nl", "mailforward.com", "mailganer.com", "mailguard.com.au",
    "mailgun.com", "mailgun.info", "mailgun.net", "mailgun.org", "mailgun.us", "mailhop.org",
    "mailhost.mailhostbox.com", "mailhostbox.com", "mailhosting.wedos.net", "mailinblack.com",
    "mailing-work.de", "mailinglijst.nl", "mailingwork.de", "mailjet.com", "mailjet.net",
    "mailkit.com", "mailkit.eu", "mailo.com", "mailout.comcast.net", "mailout.t-online.de",
    "mailout.telekom.de", "mailplus.nl", "mailpost.mailerlite.com", "mailprotect.be", "mailpub.jp",
    "mailrelay.com", "mailrelay.ziggo.nl", "mailroute.net", "mailspamprotection.com",
    "mailspec.com", "mailstreet.com", "mailsupport.dfn.de", "mailtank.com", "mailtrust.com",
    "mailup.com", "mailup.net", "mailwash.com.au", "mailzone.in", "mandic.com.br",
    "mandrillapp.com", "marketo.com", "marketo.org", "mcafee.com", "mcafeesaas.com", "mcdlv.net",
    "mcsv.net", "me.com", "medallia.com", "meetup.com", "messagelabs.com", "messagelabs.net",
    "messagesystems.com", "messagingengine.com", "meta.ua", "mg.gitlab.com", "mgw.cox.net",
    "microsoft.com", "migadu.com", "mijndomein.nl", "mimecast.co.za", "mimecast.com",
    "mimecastprotect.com", "mindbox.cloud", "mindbox.ru", "mithi.com", "mjt.lu", "mkt41.net",
    "mkt51.net", "mkt61.net", "mkt7.com", "mkt81.net", "mkt9.com", "mktdns.com", "mktnaweb.com",
    "mktomail.com", "mktroute.com", "mlsend.com", "mlsend2.com", "mms.att.net", "mo.ovh.net",
    "mout.freenet.de", "mout.ionos.com", "mout.kundenserver.de", "mout.perfora.net", "mpse.jp",
    "msa.hinet.net", "msn.com", "mta.exacttarget.com", "mta.salesforce.com",
    "mta.sparkpostmail.com", "mta.tin.it", "mtasv.net", "mtnbusiness.co.za", "musvc.com",
    "muumuu-mail.com", "mx.aol.com", "mx.ebay.com", "mx.freenet.de", "mx.phx.paypal.com",
    "mx.sakura.ne.jp", "mx.terra.com.br", "mxb.ovh.net", "mxguarddog.com", "mxlogic.net",
    "mxplan.ovh.net", "mxroute.com", "mxrouting.net", "mxthunder.com", "mxthunder.net", "my.com",
    "nabble.com", "nabble.net", "nate.com", "naver.com", "neolane.net", "netcore.co.in",
    "netcorecloud.net", "netease.com", "netflix.com", "netsolmail.net", "networksolutions.com",
    "networksolutionsemail.com", "netzero.net", "newsletter2go.com", "nic.ru", "ning.com",
    "nintendo.net", "nospamcloud.com", "nospamproxy.de", "o2.pl", "oath.com", "octane.in",
    "office365.com", "onet.pl", "optivo.com", "optivo.net", "oracle.com",
    "oracleemaildelivery.com", "out.gandi.net", "outbound-mail.sendgrid.net",
    "outbound.protection.outlook.com", "outlook.com", "outlook.office365.com", "oxcs.net",
    "oxsus-vadesecure.net", "pardot.com", "partage.renater.fr", "paypal.com", "pchome.com.tw",
    "pec.it", "pepipost.com", "pinterest.com", "playstation.net", "pm.me", "pmx1.epsl1.com",
    "pobox.com", "poczta.onet.pl", "pod.zendesk.com", "posteo.de", "postmarkapp.com",
    "ppe-hosted.com", "pphosted.com", "pphosted.net", "ppops.net", "ppsmtp.net",
    "privateemail.com", "prod.phx3.secureserver.net", "promio-mail.com", "proofpoint.com",
    "proton.ch", "proton.me", "protonmail.ch", "protonmail.com", "puc.rediris.es", "pure360.com",
    "pure360.net", "purelymail.com", "qiye.aliyun.com", "qq.com", "qualtrics.com", "quora.com",
    "rambler-co.ru", "rambler-mail.ru", "rambler.ru", "rapidmail.de", "redcondor.net",
    "reddit.com", "redditmail.com", "rediffmail.com", "rediffmailpro.com", "rediris.es",
    "reflexion.net", "registeredsite.com", "registrar-servers.com", "relateddigital.com",
    "relay.mailchannels.net", "relay.renater.fr", "renater.fr", "repica.jp", "responsys.net",
    "retarus.com", "retarus.de", "retarus.net", "riseup.net", "rjmetrics.com", "roving.com",
    "rsgsv.net", "rsys.com", "rsys1.com", "rsys2.com", "rsys3.com", "rsys5.com", "runbox.com",
    "sailthru.com", "sailthrumail.com", "salesforce.com", "sasl.pobox.com", "securence.com",
    "selligent.com", "sendcloud.net", "sendcloud.org", "sender-sib.com", "sendgrid.com",
    "sendgrid.net", "sendibm1.com", "sendibm2.com", "sendibm3.com", "sendibt1.com", "sendibt2.com",
    "sendibt3.com", "sendinblue.com", "sendlabs.com", "sendpulse.com", "sendsay.com", "sendsay.ru",
    "serverdata.net", "seznam.cz", "sfmc.co", "sherweb.com", "sherweb2010.com", "shopify.com",
    "shopifyemail.com", "shr.prod.phx3.secureserver.net", "silverpop.com", "simply.com",
    "sina.com", "sina.com.cn", "sina.net", "sinamail.sina.com.cn", "slack-mail.com", "slack.com",
    "slackemail.com", "slgnt.eu", "smailru.net", "smartfocus.net", "smartresponder.ru",
    "smtp-out.amazonses.com", "smtp-out.eu-west-1.amazonses.com",
    "smtp-out.us-west-2.amazonses.com", "smtp.263.net", "smtp.aruba.it", "smtp.bluewin.ch",
    "smtp.charter.net", "smtp.com", "smtp.forpsi.com", "smtp.github.com", "smtp.hostinger.com",
    "smtp.kpnmail.nl", "smtp.locaweb.com.br", "smtp.mta.salesforce.com", "smtp.optusnet.com.au",
    "smtp.orange.fr", "smtp.rzone.de", "smtp.salesforce.com", "smtp.sfr.fr", "smtp.t-online.de",
    "smtp.telenor.net", "smtp.telkomsa.net", "smtp.tiscali.it", "smtp.uol.com.br",
    "smtp.verizon.net", "smtp.windstream.net", "smtp.xtra.co.nz", "smtp.yandex.net",
    "smtp.ziggo.nl", "smtp2go.com", "smtpout.bbox.fr", "smtpout.orange.fr",
    "smtprelay.ispgateway.de", "smtproutes.com", "smtpx.serverdata.net", "socketlabs.com",
    "softbank.ne.jp", "sohu.com", "sophos.com", "sourceforge.net", "spacemail.com",
    "spamexperts.com", "spamexperts.eu", "spamh.com", "spamhero.com", "spamtitan.com",
    "sparklist.com", "sparkpost.com", "sparkpostmail.com", "spool.mail.gandi.net", "spotify.com",
    "spotler.com", "squarespace.com", "srv.dfn.de", "srv2.de", "stabletransit.com",
    "startmail.com", "steampowered.com", "stibee.com", "submail.cn", "subscribe.ru",
    "surveymonkey.com", "symantec.com", "symanteccloud.com", "synacor.com", "tason.com",
    "telenet-ops.be", "teradata.com", "titan.email", "tmes.trendmicro.com",
    "tmes.trendmicro.eu", "transip.email", "trendmicro.com", "trendmicro.eu", "tripadvisor.com",
    "tucows.com", "turbo-smtp.com", "turbosmtp.net", "turkticaret.net", "tuta.com", "tutanota.com",
    "tutanota.de", "twilio.com", "twitter.com", "uber.com", "unisender.com", "unoeuro.com",
    "untd.com", "us2.mailhostbox.com", "v29.lists.sourceforge.net", "vadesecure.com",
    "value-server.com", "valvesoftware.com", "verizonmedia.com", "verticalresponse.com",
    "virgilio.it", "vivaldi.net", "vresp.com", "vrmailer3.com", "vtext.com", "web-hosting.com",
    "web.de", "webpower.asia", "websense.net", "websupport.se", "weebly.com",
    "westchester.pa.mail.comcast.net", "wix.com", "wmail.worksmobile.com", "wordpress.com",
    "worksmobile.com", "wp.pl", "x.com", "xing.com", "xpressus.emarsys.net", "xs4all.net",
    "yahoo.co.jp", "yahoo.com", "yahoodns.net", "yahoogroups.com", "yandex-team.ru", "yandex.com",
    "yandex.ru", "yeah.net", "zcsend.net", "zendesk.com", "zerospam.ca", "zoho.com", "zoho.com.au",
    "zoho.eu", "zoho.in", "zohocorp.com", "zohomail.com", "zoznam.sk",
    /* clang-format on */
};

static bool is_zone(const char *s)
{
    size_t low = 0, high = sizeof(zones) / sizeof(zones[0]), mid;
    int order;

    while (low < high) {
        mid = low + (high - low) / 2;
        order = strcmp(s, zones[mid]);
        if (order == 0)
            return true;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

bool sender_known(const struct view *v)
{
    size_t i;

    for (i = 1; i < v->len; i++)
        if (v->text[i - 1] == '.' && i <= v->org && is_zone(v->text + i))
            return true;
    return false;
}
