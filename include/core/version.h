/* core/version.h - which release this is, for GET /api/live and for operators. */
#ifndef CORE_VERSION_H
#define CORE_VERSION_H

#define TTS_VERSION "0.2.0"

#endif
