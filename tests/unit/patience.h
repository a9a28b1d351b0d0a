/* How much longer a test may take where sanitizers slow everything down: .timeout = 60 * PATIENCE. */
#ifndef PATIENCE_H
#define PATIENCE_H

#if defined(__SANITIZE_ADDRESS__)
enum { PATIENCE = 5 };
#else
enum { PATIENCE = 1 };
#endif

#endif
