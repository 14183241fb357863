/* Units of numbers: money, percent, the SI's and other usual ones. See
 * base/unit.h. */
#include "base/unit.h"

/* Whether the word stands in the list, whose words have a blank on each side. */
static bool is_listed(const char *list, struct span word)
{
    size_t n = span_left(word);
    if (n == 0 || memchr(word.at, 0, n))
        return false;
    for (const char *at = list; (at = strchr(at, *word.at)); at++)
        if (at > list && at[-1] == ' ' && strncmp(at, word.at, n) == 0 && at[n] == ' ')
            return true;
    return false;
}

/* Bytes of a currency's sign at the front; 0: none. U+20A0 to U+20BF are all
 * currencies. */
static size_t money_sign(struct span word)
{
    static const char *const signs[] = {"$",        "\xc2\xa2",     "\xc2\xa3",     "\xc2\xa4",
                                        "\xc2\xa5", "\xe0\xb8\xbf", "\xef\xbf\xa5", "\xef\xb7\xbc"};
    struct span rest = word;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (span_take(&rest, signs[i]))
            return strlen(signs[i]);
    bool currency = span_take(&rest, "\xe2\x82") && span_left(rest) > 0 && (unsigned char)*rest.at >= 0xa0;
    return currency ? 3 : 0;
}

/* "$", "US$", "€": one sign, and letters. */
static bool has_money_sign(struct span word)
{
    int n_signs = 0;
    for (size_t n; word.at < word.end; word.at += n) {
        n = money_sign(word);
        n_signs += n > 0;
        if (n == 0 && !is_letter(*word.at) && *word.at != '.')
            return false;
        n = n ? n : 1;
    }
    return n_signs == 1;
}

bool unit_is_money(struct span word)
{
    static const char money[] =
        " USD EUR GBP JPY CHF CNY RMB INR RUB KRW BRL CAD AUD NZD SEK NOK DKK ISK PLN CZK HUF RON "
        "BGN HRK TRY UAH ILS ZAR MXN ARS CLP COP PEN UYU SGD HKD TWD THB MYR IDR PHP VND PKR BDT "
        "LKR NPR EGP NGN KES GHS MAD TND DZD SAR AED QAR KWD BHD OMR JOD KZT GEL AMD AZN BYN RSD "
        "BTC ETH DEM ATS FRF ITL ESP Fr. SFr. sFr. Fr kr kr. Kr Kr. K\xc4\x8d z\xc5\x82 Ft lei "
        "Lei Rs Rs. RM Rp Rp. \xd1\x80\xd1\x83\xd0\xb1 \xd1\x80\xd1\x83\xd0\xb1. "
        "\xd0\xb3\xd1\x80\xd0\xbd \xd0\xbb\xd0\xb2 \xd0\xbb\xd0\xb2. \xe5\x85\x83 \xe5\x86\x86 "
        "\xec\x9b\x90 euro Euro euros EUROS dollars DM ";
    return has_money_sign(word) || is_listed(money, word);
}

bool unit_is_usual(struct span word)
{
    /* no A, B, F, K, L, V or W: "12A", "5B" and "7F" are seats and flats as well */
    static const char units[] =
        " % \xe2\x80\xb0 \xc2\xb0 \xc2\xb0"
        "C \xc2\xb0"
        "F \xe2\x84\x83 \xe2\x84\x89 \xc2\xb0"
        "K "
        "km m cm mm dm nm um \xc2\xb5m \xce\xbcm mi yd ft in \" ' kg g mg ug \xc2\xb5g \xce\xbcg "
        "ng t lb lbs oz st l ml mL cl dl dL hl cc gal m2 m\xc2\xb2 km2 km\xc2\xb2 cm2 cm\xc2\xb2 "
        "m3 m\xc2\xb3 cm3 cm\xc2\xb3 sqft sqm ha s sec ms us \xc2\xb5s ns min mins h hr hrs d "
        "days y yr yrs Hz kHz MHz GHz mV kV mA mAh Ah kW MW GW Wh kWh MWh GWh kJ MJ cal kcal kN "
        "Nm Pa hPa kPa MPa bar mbar psi \xce\xa9 ohm kB KB MB GB TB KiB MiB GiB bit Mbps Gbps "
        "kbps Mbit/s MB/s px pt em dpi mp MP fps rpm km/h kmh kph mph m/s m/s2 m/s\xc2\xb2 kn kt "
        "g/l g/L mg/l mg/L mg/dl mg/dL mmol/l mmol/L ug/l \xc2\xb5g/l g/cm3 kg/m3 kg/m2 ppm ppb "
        "dB dBm lx lm cd hp PS bhp mpg kmpl mol eV keV MeV mm/h deg rad bpm pcs x \xc3\x97 ";
    return unit_is_money(word) || is_listed(units, word);
}

bool unit_is_word(struct span word)
{
    static const char times[] = " am pm AM PM a.m. p.m. Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec e E ";
    int n_blanks = 0;
    if (!is_letter(*word.at) && (unsigned char)*word.at < 0x80)
        return false;
    for (const char *at = word.at; at < word.end; at++) {
        n_blanks += *at == ' ';
        if (!is_letter(*at) && !is_digit(*at) && (unsigned char)*at < 0x80 &&
            (!*at || !strchr(" /.%^*-", *at)))
            return false;
    }
    return n_blanks <= 1 && !is_listed(times, word);
}
