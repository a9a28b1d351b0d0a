/* Is a text well-formed XML? For the pages and drawings that are made here: no processing instructions, no CDATA. */
#ifndef XML_H
#define XML_H

const char *xml_problem(const char *text); /* what is wrong, valid until the next call; NULL: nothing */

#endif
