package caa

// identifier is an issuer domain name that a CA is known to recognise in issuemail
// properties, and where that was read.
type identifier struct{ domain, source string }

// identifiers are those known, from statements about issuemail; what a CA says of
// issue alone proves nothing for mail. They serve to tell slips, never to decide.
var identifiers = [...]identifier{
	{"actalis.it", "Actalis CPS for S/MIME, section 4.2.2 (2025)"},
	{"certifyid.com", "OISTE/WISeKey CPS, section 4.2.1"},
	{"digicert.com", "InternetX, valid values for S/MIME, en.help.internetx.com (2025)"},
	{"emsign.com", "emSign CP/CPS (2025)"},
	{"entrust.net", "Entrust, CAA for S/MIME email certificates, www.entrust.com/blog (2023)"},
	{"globalsign.com", "InternetX, valid values for S/MIME, en.help.internetx.com (2025)"},
	{"harica.gr", "HARICA, news.harica.gr (2025)"},
	{"hightrusted.com", "OISTE/WISeKey CPS, section 4.2.1"},
	{"oiste.org", "OISTE/WISeKey CPS, section 4.2.1"},
	{"sectigo.com", "InternetX, valid values for S/MIME, en.help.internetx.com (2025)"},
	{"swisssign.com", "BOLL Engineering, blog.boll.ch (2024)"},
	{"wisekey.com", "OISTE/WISeKey CPS, section 4.2.1"},
}
