/* The page of a report: HTML that is well-formed XML too, needs nothing from elsewhere and no script, and is read on paper
 * white and on dark, on a desk and on a phone. */
#include "files.h"
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char style[] =
    ":root{color-scheme:light dark;--page:#fff;--card:#f6f7f9;--line:#d5dae1;--ink:#1b1f24;--soft:#59626e;--train:#2563d9;"
    "--validation:#c2570c;--good:#18804e;--bad:#c62a33}\n"
    "@media(prefers-color-scheme:dark){:root{--page:#14171b;--card:#1d2228;--line:#3a424c;--ink:#eceff3;--soft:#a7b0bb;"
    "--train:#7aabff;--validation:#ffa657;--good:#4cca8d;--bad:#ff7b82}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:1120px;padding:24px 16px 64px;background:var(--page);color:var(--ink);"
    "font:16px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.7rem;margin:0 0 4px;overflow-wrap:anywhere}h2{font-size:1.25rem;margin:44px 0 4px}"
    "h3{font-size:1rem;margin:22px 0 6px;overflow-wrap:anywhere}h3 small{font-weight:400;color:var(--soft)}\n"
    "p{margin:4px 0 14px;color:var(--soft);max-width:75ch;overflow-wrap:anywhere}\n"
    ".facts{display:flex;flex-wrap:wrap;gap:10px;margin:18px 0;padding:0}\n"
    ".facts div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:8px 16px;min-width:116px}\n"
    ".facts dt{font-size:.8rem;color:var(--soft)}.facts dd{margin:0;font-size:1.25rem;font-weight:600;overflow-wrap:anywhere}\n"
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:16px}\n"
    ".chart{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px 12px}\n"
    ".chart svg{display:block;width:100%;height:auto}\n"
    ".chart figcaption{display:flex;flex-wrap:wrap;gap:2px 16px;align-items:baseline}.chart b{margin-right:auto}\n"
    ".chart span{font-size:.82rem}.chart .one,.one i{color:var(--train)}.chart .two{color:var(--validation)}\n"
    ".chart .grid{stroke:var(--line)}.chart text{fill:var(--soft);font-size:12px}\n"
    ".chart .best{stroke:var(--good);stroke-dasharray:5 4;stroke-width:1.5}.chart text.best{stroke:none;fill:var(--good)}\n"
    ".chart path{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke:var(--train)}.chart circle{fill:var(--train)}\n"
    ".chart path.second{stroke:var(--validation);stroke-dasharray:7 3}.chart circle.second{fill:var(--validation)}\n"
    ".wide{overflow-x:auto}\n"
    "table.counts{border-collapse:separate;border-spacing:2px;font-size:.85rem;font-variant-numeric:tabular-nums}\n"
    ".counts th{font-weight:600;color:var(--soft);padding:2px 6px}\n"
    ".counts td{min-width:46px;text-align:right;white-space:nowrap;padding:4px 8px;border-radius:4px;background:var(--card)}\n"
    ".counts .zero{color:var(--soft)}\n"
    "@media(max-width:600px){table.counts{border-spacing:1px;font-size:.7rem}.counts td,.counts th{min-width:0;padding:3px 2px}}\n"
    ".gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(138px,1fr));gap:12px}\n"
    ".gallery figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px;"
    "font-size:.85rem}\n"
    ".gallery img{width:100%;max-width:130px;height:auto;display:block;margin:0 auto 6px}\n"
    ".verdict{display:flex;justify-content:space-between;margin-bottom:4px}.truth{color:var(--good)}.guess{color:var(--bad)}\n"
    ".row{display:grid;grid-template-columns:3ch 1fr 6ch;gap:6px;align-items:center;font-variant-numeric:tabular-nums}\n"
    ".row span:last-child{text-align:right}.bar{height:7px;border-radius:4px;background:var(--line);overflow:hidden}"
    ".bar i{display:block;height:100%;background:var(--train)}\n"
    ".number{color:var(--soft);font-size:.78rem}\n"
    ".times{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}.times "
    "th{font-weight:600;text-align:left;white-space:nowrap}\n"
    ".times th,.times td{padding:3px 10px 3px 0}.times td{text-align:right;white-space:nowrap}.times "
    "td.bar{width:34%;min-width:70px;background:none;height:auto}\n"
    ".times td.bar i{height:9px;border-radius:4px}.times tr:first-child th{color:var(--soft);text-align:right}.times "
    "tr:first-child th:first-child{text-align:left}\n"
    ".answers{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,430px),1fr));gap:6px 18px}\n"
    ".answers div{display:flex;gap:4px;align-items:center}.answers img{max-width:10.4%;height:auto}.answers "
    "span{width:3ch;text-align:right;color:var(--soft);font-size:.8rem}\n"
    "img{image-rendering:pixelated;border-radius:3px;background:#000;vertical-align:top}\n"
    ".tiles{display:flex;flex-wrap:wrap;gap:7px}.tiles img{height:auto;outline:1px solid var(--line)}\n"
    ".key{display:inline-block;width:9em;height:.8em;border-radius:3px;"
    "background:linear-gradient(90deg,#2166ac,#fff,#b2182b);vertical-align:middle;margin:0 6px}\n"
    "svg.network{display:block;margin:0 auto}svg.network .page{fill:none}\n"
    "pre{overflow-x:auto;font-size:.8rem;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px}\n"
    "summary{cursor:pointer;color:var(--soft)}\n"
    "@media print{body{max-width:none}.wide{overflow:visible}}\n";

void page_text(FILE *out, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        switch (*c) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\'': fputs("&#39;", out); break;
        default: /* UTF-8 as it is; other bytes, and controls, which XML forbids, as a question mark */
            if ((*c < 32 && *c != '\n' && *c != '\t') || *c == 127) {
                fputc('?', out);
            } else if (*c < 128) {
                fputc(*c, out);
            } else {
                size_t length = utf8_length(c, strlen((const char *)c));
                if (length)
                    fwrite(c, 1, length, out);
                else
                    fputc('?', out);
                c += length ? length - 1 : 0;
            }
        }
    }
}

void page_begin(FILE *out, const char *title)
{
    fputs("<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>",
          out);
    page_text(out, title);
    fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>", style);
    page_text(out, title);
    fputs("</h1>\n", out);
}

void page_end(FILE *out)
{
    fputs("</body>\n</html>\n", out);
}

void page_section(FILE *out, const char *title, const char *note)
{
    fputs("<section>\n<h2>", out);
    page_text(out, title);
    fputs("</h2>\n", out);
    if (!note) return;
    fputs("<p>", out);
    page_text(out, note);
    fputs("</p>\n", out);
}

void page_section_end(FILE *out)
{
    fputs("</section>\n", out);
}

const char *page_count(int64_t number, char text[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRId64, number), to = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0) text[to++] = ',';
        text[to++] = digits[i];
    }
    text[to] = '\0';
    return text;
}

void page_fact(FILE *out, const char *name, const char *format, ...)
{
    char text[256];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    fputs("<div><dt>", out);
    page_text(out, name);
    fputs("</dt><dd>", out);
    page_text(out, text);
    fputs("</dd></div>\n", out);
}

static void write_base64(FILE *out, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        size_t left = count - i;
        uint32_t three =
            (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0U);
        for (size_t k = 0; k < 4; k++) fputc(k <= left ? digits[three >> (18 - 6 * k) & 63] : '=', out);
    }
}

bool page_picture(FILE *out, const Array *picture, int width, const char *title, Failure *failure)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&bytes, &size);
    if (!stream) return fail(failure, "no memory for a picture");
    bool good = png_encode(stream, title, picture, failure);
    if (fclose(stream)) good = fail(failure, "no memory for a picture");
    if (good) {
        fprintf(out, "<img style=\"width:%dpx\" alt=\"", width);
        page_text(out, title);
        fputs("\" title=\"", out);
        page_text(out, title);
        fputs("\" src=\"data:image/png;base64,", out);
        write_base64(out, (const uint8_t *)bytes, size);
        fputs("\"/>\n", out);
    }
    free(bytes);
    return good;
}

void signed_colours(const float *values, int64_t count, float most, uint8_t *bytes)
{
    static const uint8_t ends[2][3] = {{0x21, 0x66, 0xac}, {0xb2, 0x18, 0x2b}};
    for (int64_t i = 0; i < count; i++) {
        double share = isfinite(values[i]) && most > 0 ? fmin(fmax((double)values[i] / (double)most, -1), 1) : 0;
        const uint8_t *end = ends[share > 0];
        for (int c = 0; c < 3; c++) bytes[3 * i + c] = (uint8_t)(255 + (end[c] - 255) * fabs(share) + 0.5);
    }
}
