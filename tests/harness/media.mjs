// Files for tests, made by ffmpeg: nothing is kept in the repository.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/** A small MP4 that TikTok would take; options bend one property of it. */
export function makeVideo(file, { seconds = 4, width = 360, height = 640, rate = 30, codec = 'libx264', padTo = 0 } = {}) {
  execFileSync('ffmpeg', [
    '-nostdin', '-hide_banner', '-loglevel', 'error', '-y',
    '-f', 'lavfi', '-i', `testsrc2=size=${width}x${height}:rate=${rate}:duration=${seconds}`,
    '-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}`,
    '-c:v', codec, '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-shortest', '-movflags', '+faststart', file,
  ]);
  return padTo ? padVideo(file, padTo).then(() => file) : file;
}

/** A picture; the ending of file says which kind: .jpg, .webp, .png. */
export function makePicture(file, { width = 1080, height = 1350 } = {}) {
  execFileSync('ffmpeg', ['-nostdin', '-hide_banner', '-loglevel', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=${width}x${height}:rate=1:duration=1`, '-frames:v', '1', file]);
  return file;
}

/** Makes an MP4 larger by a `free` box at its end, which players pass over. */
async function padVideo(file, bytes) {
  const handle = await open(file, 'r+');
  try {
    const { size } = await handle.stat();
    const header = Buffer.alloc(8);
    header.writeUInt32BE(bytes - size, 0);
    header.write('free', 4);
    await handle.write(header, 0, 8, size);
    await handle.truncate(bytes);
  } finally {
    await handle.close();
  }
}

/** A file of pseudo-random bytes that is the same for the same seed. */
export async function makeNoise(file, bytes, seed = 1) {
  const handle = await open(file, 'w');
  try {
    const block = Buffer.alloc(1 << 20);
    let state = seed >>> 0 || 1;
    for (let done = 0; done < bytes; done += block.length) {
      for (let i = 0; i < block.length; i += 4) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        block.writeUInt32LE(state, i);
      }
      await handle.write(block, 0, Math.min(block.length, bytes - done));
    }
  } finally {
    await handle.close();
  }
  return file;
}

export async function sha256(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** A JPEG or WebP (by the name's end) that TikTok would take; hue makes it another one. */
export function makePhoto(file, { width = 720, height = 1280, hue = 0 } = {}) {
  execFileSync('ffmpeg', ['-nostdin', '-hide_banner', '-loglevel', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=${width}x${height}:rate=1:duration=1`, '-vf', `hue=h=${hue}`, '-frames:v', '1', '-update', '1', file]);
  return file;
}
