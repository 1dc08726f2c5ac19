// Files of every kind that people upload, and of every kind that they should not: made by
// ffmpeg and by hand, the same each time, nothing of it in the repository. Each has the
// verdict that tts-media must come to.
import { execFile } from 'node:child_process';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Dice } from '../chaos/dice.mjs';
import { addExif } from './photos.mjs';

const exec = promisify(execFile);
const ff = (file, ...args) => exec('ffmpeg', ['-nostdin', '-hide_banner', '-loglevel', 'error', '-y', ...args, file]);
const bars = (size, rate, seconds) => ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${rate}:duration=${seconds}`];
const tone = (seconds) => ['-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}`];
const VP8 = ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8'];
const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];

/** A film: what is asked for, else two seconds of H.264 and sound. */
const film = ({ size = '360x640', rate = 30, seconds = 2, sound = true, codec = X264, more = [] } = {}) => (file) =>
  ff(file, ...bars(size, rate, seconds), ...(sound ? tone(seconds) : []), ...codec, ...more);
/** A film of sides that are not even; testsrc2 itself makes only even ones. */
const odd = (width, height, seconds = 2) => film({ seconds, codec: ['-vf', `scale=${width}:${height}`, '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv444p'] });
const picture = ({ size = '640x480', flags = [], frames = 1 } = {}) => (file) => ff(file, ...bars(size, 5, frames), '-frames:v', String(frames), ...flags);

const words = (text) => (file) => writeFile(file, text);

/** Another file, changed: change(bytes, maker's directory) answers what is kept of it. */
const changed = (make, change, ending) => async (file) => {
  const whole = `${file}.whole.${ending ?? file.split('.').at(-1)}`;
  await make(whole);
  await writeFile(file, await change(await readFile(whole)));
};
const first = (part) => (bytes) => bytes.subarray(0, Math.floor(bytes.length * part));
const butLast = (n) => (bytes) => bytes.subarray(0, bytes.length - n);
const zeroed = (from, to) => (bytes) => bytes.fill(0, Math.floor(bytes.length * from), Math.floor(bytes.length * to));
const behind = (bytes, more) => Buffer.concat([bytes, more]);

/** Where an MP4's box of that type begins: its size field. */
const boxAt = (bytes, type, from = 0) => {
  const at = bytes.indexOf(type, from, 'latin1');
  if (at < 4) {
    throw new Error(`no ${type} in it`);
  }
  return at - 4;
};

/** The bytes of the film zeroed, its description whole. */
const hollow = (bytes) => {
  const at = boxAt(bytes, 'mdat');
  return bytes.fill(0, at + 8, at + bytes.readUInt32BE(at));
};

/** A moov box with so many bytes more in it; it is the last box of the file. */
const swollen = (more) => (bytes) => {
  const at = boxAt(bytes, 'moov');
  bytes.writeUInt32BE(bytes.readUInt32BE(at) + more, at);
  const box = Buffer.alloc(more);
  box.writeUInt32BE(more, 0);
  box.write('free', 4);
  return behind(bytes, box);
};

/** Claims a number of samples that no file could have. */
const countless = (bytes) => {
  bytes.writeUInt32BE(0xffffffff, boxAt(bytes, 'stsz') + 16);
  return bytes;
};

/** Says in a JPEG's header that it is so large. */
const jpegSize = (width, height) => (bytes) => {
  const at = bytes.indexOf(Buffer.from([0xff, 0xc0]));
  bytes.writeUInt16BE(height, at + 5);
  bytes.writeUInt16BE(width, at + 7);
  return bytes;
};

/** A JPEG of four colours, as printers' programs write them: one even tone. */
function cmyk(width, height) {
  const segment = (marker, body) => Buffer.concat([Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 0xff]), body]);
  const part = (id) => [id, 0x11, 0];
  const oneCode = (table) => segment(0xc4, Buffer.from([table, 1, ...Array(15).fill(0), 0]));
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xee, Buffer.from('Adobe\0\x64\0\0\0\0\0', 'latin1')),
    segment(0xdb, Buffer.from([0, ...Array(64).fill(1)])),
    segment(0xc0, Buffer.from([8, height >> 8, height & 0xff, width >> 8, width & 0xff, 4, ...part(1), ...part(2), ...part(3), ...part(4)])),
    oneCode(0x00), oneCode(0x10),
    segment(0xda, Buffer.from([4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0])),
    Buffer.alloc((width / 8) * (height / 8)), // one byte for each block: no change, no detail, four times
    Buffer.from([0xff, 0xd9]),
  ]);
}

const playlist = (url) => `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n${url}\n#EXT-X-ENDLIST\n`;
const lies = 'readable';

/**
 * [what, file name, maker, verdict, more]. The verdict is 'ready' or the code of the first
 * check that fails. more.type: as what it is uploaded, if not by its ending; more.facts:
 * what must have been measured.
 */
export const corpus = (trap) => [
  // --- films as people have them
  ['H.264 in MP4, moov in front', 'front.mp4', film({ more: ['-movflags', '+faststart'] }), 'ready', { facts: { width: 360, height: 640, codec: 'h264' } }],
  ['H.264 in MP4, moov at the end', 'end.mp4', film(), 'ready'],
  ['a fragmented MP4', 'fragments.mp4', film({ more: ['-movflags', 'frag_keyframe+empty_moov'] }), 'ready'],
  ['H.264 in MOV', 'a.mov', film(), 'ready'],
  ['HEVC in MP4', 'hevc.mp4', film({ codec: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none', '-tag:v', 'hvc1'] }), 'ready', { facts: { codec: 'hevc' } }],
  ['VP8 in WebM', 'vp8.webm', film({ codec: VP8 }), 'ready', { facts: { codec: 'vp8' } }],
  ['VP9 in WebM', 'vp9.webm', film({ codec: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8'] }), 'ready', { facts: { codec: 'vp9' } }],
  ['a WebM that was recorded live, without a length', 'live.webm', film({ codec: VP8, more: ['-f', 'webm', '-live', '1'] }), 'duration'],
  ['a film without sound', 'silent.mp4', film({ sound: false }), 'ready'],
  ['ten bits a colour', 'ten-bit.mp4', film({ codec: ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p10le'] }), 'ready'],
  ['two pictures and a sound', 'two.mp4', (file) => ff(file, ...bars('360x640', 30, 2), ...bars('640x360', 30, 2), ...tone(2), '-map', '0', '-map', '1', '-map', '2', ...X264), 'ready', { facts: { width: 360, height: 640 } }],
  ['a film turned by its matrix', 'turned.mp4', changed(film({ size: '640x360' }), async (bytes) => bytes), 'ready', { turn: true, facts: { width: 360, height: 640 } }],
  ['odd sides', 'odd.mp4', odd(361, 641), 'ready', { facts: { width: 361, height: 641 } }],
  ['a WebM called MP4', 'really-webm.mp4', changed(film({ codec: VP8 }), (b) => b, 'webm'), 'ready'],
  ['an MP4 called JPEG', 'really-mp4.jpg', changed(film(), (b) => b, 'mp4'), 'ready'],
  ['junk behind the film', 'junk-behind.mp4', changed(film(), (b) => behind(b, Buffer.from('<html>not a box of a film</html>'))), 'ready'],
  ['a moov of 40 MB', 'huge-moov.mp4', changed(film(), swollen(40_000_000)), 'ready'],

  // --- at the limits
  ['23 frames a second', 'fps23.mp4', film({ rate: 23 }), 'ready'],
  ['60 frames a second', 'fps60.mp4', film({ rate: 60 }), 'ready'],
  ['22 frames a second', 'fps22.mp4', film({ rate: 22 }), 'frame_rate'],
  ['61 frames a second', 'fps61.mp4', film({ rate: 61 }), 'frame_rate'],
  ['a frame a second', 'fps1.mp4', film({ rate: 1, seconds: 5 }), 'frame_rate'],
  ['a side of 360', 'side360.mp4', film({ size: '360x360' }), 'ready'],
  ['a side of 359', 'side359.mp4', odd(359, 640), 'picture_size'],
  ['a side of 4096', 'side4096.mp4', film({ size: '360x4096', seconds: 1 }), 'ready'],
  ['a side of 4097', 'side4097.mp4', odd(360, 4097, 1), 'picture_size'],
  ['8192 x 8192', 'giant.mp4', film({ size: '8192x8192', rate: 24, seconds: 0.1, sound: false }), 'picture_size'],
  ['eleven minutes', 'long.mp4', film({ size: '360x360', rate: 1, seconds: 660, sound: false }), 'duration'],
  ['ten minutes at 23 frames a second', 'ten.mp4', (file) => ff(file, '-f', 'lavfi', '-i', 'color=red:s=360x360:r=23:d=600', ...X264), 'ready'],
  ['a single frame', 'one-frame.mp4', film({ seconds: 1 / 30, sound: false }), 'ready'],
  ['no frame at all', 'no-frame.mp4', film({ seconds: 1, sound: false, more: ['-t', '0'] }), lies],

  // --- what TikTok does not take
  ['ProRes in MOV', 'prores.mov', film({ codec: ['-c:v', 'prores_ks', '-profile:v', '0'] }), 'codec'],
  ['MPEG-4 in MP4', 'mpeg4.mp4', film({ codec: ['-c:v', 'mpeg4'] }), 'codec'],
  ['Motion JPEG in MOV', 'mjpeg.mov', film({ codec: ['-c:v', 'mjpeg'] }), 'codec'],
  ['AV1 in MP4', 'av1.mp4', film({ seconds: 1, codec: ['-c:v', 'libaom-av1', '-cpu-used', '8', '-usage', 'realtime'] }), 'codec'],
  ['AV1 in WebM', 'av1.webm', film({ seconds: 1, codec: ['-c:v', 'libaom-av1', '-cpu-used', '8', '-usage', 'realtime'] }), 'codec'],
  ['a Matroska called MP4', 'really-mkv.mp4', changed(film(), (b) => b, 'mkv'), 'container'],
  ['an AVI called MP4', 'really-avi.mp4', changed(film(), (b) => b, 'avi'), 'container'],
  ['a Flash film called MP4', 'really-flv.mp4', changed(film({ codec: ['-c:v', 'flv', '-ar', '44100'] }), (b) => b, 'flv'), 'container'],
  ['a transport stream called MP4', 'really-ts.mp4', changed(film(), (b) => b, 'ts'), 'container'],
  ['an Ogg called WebM', 'really-ogg.webm', changed((file) => ff(file, ...tone(2), '-c:a', 'libvorbis'), (b) => b, 'ogg'), lies],
  ['sound only', 'sound.mp4', (file) => ff(file, ...tone(2), '-c:a', 'aac'), lies],
  ['sound with a cover', 'cover.mp4', (file) => ff(file, ...tone(2), ...bars('360x640', 1, 1), '-map', '0', '-map', '1', '-c:a', 'aac', '-c:v', 'mjpeg', '-frames:v', '1', '-disposition:v', 'attached_pic'), lies],

  // --- damaged films
  ...[0.02, 0.3, 0.6, 0.95].map((part) => [`MP4 cut at ${part * 100} %, moov in front`, `cut-front-${part}.mp4`, changed(film({ more: ['-movflags', '+faststart'] }), first(part)), lies]),
  ...[0.3, 0.95].map((part) => [`MP4 cut at ${part * 100} %, moov at the end`, `cut-end-${part}.mp4`, changed(film(), first(part)), lies]),
  ['MP4 without its last byte', 'last-byte.mp4', changed(film(), butLast(1)), lies],
  ['a fragmented MP4 cut in the middle', 'cut-fragments.mp4', changed(film({ more: ['-movflags', 'frag_keyframe+empty_moov', '-g', '15'] }), first(0.6)), lies],
  ['a WebM cut near its end', 'cut-late.webm', changed(film({ codec: VP8, seconds: 6 }), first(0.9)), lies],
  ['a WebM cut in the middle', 'cut.webm', changed(film({ codec: VP8 }), first(0.5)), lies],
  ['a WebM without its last byte', 'last-byte.webm', changed(film({ codec: VP8 }), butLast(1)), lies],
  ['the head of an MP4 and nothing else', 'head.mp4', changed(film(), (b) => b.subarray(0, 32)), lies],
  ['an MP4 whose film is zeros', 'hollow.mp4', changed(film({ sound: false }), hollow), lies],
  ['an MP4 with zeros in the middle', 'zeros.mp4', changed(film({ more: ['-movflags', '+faststart'] }), zeroed(0.4, 0.6)), 'ready'],
  ['an MP4 of four milliard samples', 'countless.mp4', changed(film({ sound: false }), countless), lies],

  // --- what only calls itself a film
  ['a playlist of a local file', 'hls-file.mp4', words(playlist('file:///etc/passwd')), lies],
  ['a playlist of an address', 'hls-http.mp4', words(playlist(`${trap}/a.ts`)), lies],
  ['a playlist behind the head of an MP4', 'hls-ftyp.mp4', words(Buffer.concat([Buffer.from('\0\0\0\x10ftypisom\0\0\0\0', 'latin1'), Buffer.from(playlist(`${trap}/b.ts`))])), lies],
  ['a list for concat', 'concat.mp4', words("ffconcat version 1.0\nfile '/etc/passwd'\n"), lies],
  ['ffmetadata', 'metadata.mp4', words(';FFMETADATA1\ntitle=x\n[STREAM]\n'), lies],
  ['a DASH manifest', 'dash.mp4', words(`<?xml version="1.0"?><MPD><Period><AdaptationSet><Representation><BaseURL>${trap}/c.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>`), lies],
  ['a session description', 'sdp.mp4', words('v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5000 RTP/AVP 96\n'), lies],
  ['a web page', 'page.mp4', words(`<html><img src="${trap}/d.png"></html>`), lies],
  ['a PDF', 'paper.mp4', words('%PDF-1.7\n1 0 obj<<>>endobj\n'), lies],
  ['an archive', 'archive.jpg', words(Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), Buffer.alloc(200, 7)])), lies],
  ['an SVG that points elsewhere', 'drawing.jpg', words(`<svg xmlns="http://www.w3.org/2000/svg"><image href="${trap}/e.png"/></svg>`), lies],
  ['a script', 'script.mp4', words('#!/bin/sh\ncat /etc/passwd\n'), lies],
  ['one byte', 'byte.mp4', words('x'), lies],
  ['zeros', 'zeros-only.mp4', words(Buffer.alloc(100_000)), lies],
  ['a playlist behind the head of a JPEG', 'hls-jpeg.jpg', words(Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), Buffer.from(playlist(`${trap}/f.ts`))])), lies],

  // --- photos
  ['a JPEG', 'a.jpg', picture(), 'ready'],
  ['a PNG', 'a.png', picture(), 'ready'],
  ['a PNG of 16 bits', 'deep.png', picture({ flags: ['-pix_fmt', 'rgb48be'] }), 'ready'],
  ['a PNG that is transparent', 'clear.png', picture({ flags: ['-vf', 'format=rgba,colorchannelmixer=aa=0.4'] }), 'ready'],
  ['a GIF', 'a.gif', picture(), 'ready'],
  ['a GIF that moves', 'moves.gif', picture({ frames: 5 }), 'ready'],
  ['a WebP', 'a.webp', picture(), 'ready'],
  ['a WebP that moves', 'moves.webp', picture({ frames: 5, flags: ['-c:v', 'libwebp_anim'] }), lies],
  ['an AVIF', 'a.avif', picture({ flags: ['-c:v', 'libaom-av1', '-still-picture', '1', '-cpu-used', '8'] }), 'ready'],
  ['an AVIF that moves', 'moves.avif', picture({ frames: 3, flags: ['-c:v', 'libaom-av1', '-cpu-used', '8'] }), 'container'],
  ['an iPhone\'s photo called JPEG', 'heic.jpg', words(Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1')), 'container'],
  ['a gray JPEG', 'gray.jpg', picture({ flags: ['-pix_fmt', 'gray'] }), 'ready'],
  ['a JPEG of four colours', 'cmyk.jpg', words(cmyk(640, 480)), 'ready'],
  ['a JPEG of odd sides', 'odd.jpg', picture({ size: '641x481' }), 'ready'],
  ['a JPEG of 96 megapixels', 'large.jpg', (file) => ff(file, '-f', 'lavfi', '-i', 'color=blue:s=12000x8000', '-frames:v', '1'), 'ready', { facts: { width: 12000, height: 8000 } }],
  ['a JPEG called PNG', 'really-jpeg.png', changed(picture(), (b) => b, 'jpg'), 'ready'],
  ['a JPEG called MP4', 'really-jpeg.mp4', changed(picture(), (b) => b, 'jpg'), 'ready'],
  ['a JPEG with an archive behind it', 'polyglot.jpg', changed(picture(), (b) => behind(b, Buffer.from('PK\x03\x04 and more', 'latin1'))), 'ready'],
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => [`a JPEG turned by EXIF, ${n}`, `exif${n}.jpg`, async (file) => {
    await picture()(file);
    await addExif(file, n);
  }, 'ready', { facts: n < 5 ? { width: 640, height: 480 } : { width: 480, height: 640 } }]),
  ...['jpg', 'png', 'webp', 'gif'].map((ending) => [`half of a ${ending}`, `half.${ending}`, changed(picture(), first(0.5)), lies]),
  ['the head of a JPEG', 'head.jpg', changed(picture(), (b) => b.subarray(0, 200)), lies],
  ['the head of a GIF', 'head.gif', words('GIF89a'), lies],
  ['a JPEG that says it has 65535 x 65535', 'bomb.jpg', changed(picture(), jpegSize(65535, 65535)), 'picture_size'],
  ['a PNG that says it has 65535 x 65535', 'bomb.png', words(Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d494844520000ffff0000ffff0806000000', 'hex'), Buffer.alloc(4), Buffer.from('0000000049454e4400000000', 'hex')])), 'picture_size'],
  ['a GIF that says it has 65535 x 65535', 'bomb.gif', changed(picture(), (b) => { b.writeUInt16LE(65535, 6); b.writeUInt16LE(65535, 8); return b; }), 'picture_size'],
  ['a PNG of 81 megapixels in 300 kB', 'dense.png', (file) => ff(file, '-f', 'lavfi', '-i', 'color=black:s=9000x9000', '-frames:v', '1', '-compression_level', '9'), 'ready'],
];

/** Turns a film by its matrix; ffmpeg does so only when it copies. */
export async function turned(file) {
  const lying = `${file}.lying.mp4`;
  await rename(file, lying);
  await ff(file, '-i', lying, '-c', 'copy', '-metadata:s:v', 'rotate=90');
}

/** Copies of a file, each with some of its bytes wrong: the same for the same seed. */
export async function mangled(make, file, n, seed) {
  await make(file);
  const whole = await readFile(file);
  const dice = new Dice(seed);
  return Array.from({ length: n }, () => {
    const bytes = Buffer.from(whole);
    for (let hits = dice.between(1, 40); hits > 0; hits--) {
      // Headers lie at the ends, and it is they that matter.
      const at = dice.pick([dice.between(0, Math.min(2000, bytes.length - 1)), dice.between(0, bytes.length - 1), bytes.length - 1 - dice.between(0, Math.min(4000, bytes.length - 1))]);
      bytes[at] = dice.pick([0, 0xff, 0x7f, 0x80, dice.between(0, 255), bytes[at] ^ (1 << dice.between(0, 7))]);
    }
    return dice.chance(0.3) ? bytes.subarray(0, dice.between(1, bytes.length)) : bytes;
  });
}

export const makers = { film, picture, VP8 };
