// What tts-media does with typical files: from the last byte of an upload to the verdict with
// its picture, beside the bare programs doing the same to the same file.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { SLOW_ROUNDS, exec, interleaved } from './measure.mjs';

const ffmpeg = (...args) => exec('ffmpeg', ['-nostdin', '-hide_banner', '-loglevel', 'error', '-y', ...args]);
const film = (codec, size, seconds) => (file) =>
  ffmpeg('-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=30:duration=${seconds}`, '-f', 'lavfi', '-i', `sine=duration=${seconds}`, '-c:v', codec, '-preset', 'ultrafast', '-b:v', '8M', '-pix_fmt', 'yuv420p', ...(codec === 'libx265' ? ['-x265-params', 'log-level=none'] : []), file);
const photo = (size) => (file) => ffmpeg('-f', 'lavfi', '-i', `testsrc2=size=${size}`, '-frames:v', '1', '-q:v', '2', file);

const FILES = [
  ['15 s of H.264, 1080 x 1920', 'h264.mp4', 'video/mp4', film('libx264', '1080x1920', 15)],
  ['60 s of H.264, 720 x 1280', 'minute.mp4', 'video/mp4', film('libx264', '720x1280', 60)],
  ['15 s of H.265, 1080 x 1920', 'hevc.mp4', 'video/mp4', film('libx265', '1080x1920', 15)],
  ['a photo of 12 megapixels', 'photo.jpg', 'image/jpeg', photo('4032x3024')],
  ['a PNG, 1080 x 1920', 'picture.png', 'image/png', photo('1080x1920')],
];

const timed = async (work) => {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
};

/** The same with nothing around it: hash, probe, one frame; of a photo, the JPEG for TikTok and its small picture. */
async function bare(file, type) {
  createHash('sha256').update(readFileSync(file)).digest();
  if (type.startsWith('video/')) {
    await exec('ffprobe', ['-v', 'quiet', '-show_entries', 'format=duration:stream=codec_name,width,height,avg_frame_rate', '-of', 'json', file]);
    await ffmpeg('-threads', '1', '-ss', '1', '-i', file, '-frames:v', '1', '-vf', 'scale=360:-2', '-q:v', '4', `${file}.thumb.jpg`);
  } else {
    await ffmpeg('-threads', '1', '-i', file, '-frames:v', '1', '-vf', 'scale=w=min(1080\\,iw):h=-2:flags=lanczos', '-q:v', '2', `${file}.rendition.jpg`);
    await ffmpeg('-threads', '1', '-i', `${file}.rendition.jpg`, '-frames:v', '1', '-vf', 'scale=360:-2', '-q:v', '4', `${file}.thumb.jpg`);
  }
}

export async function media({ stack, table, rounds }) {
  const client = stack.bearer();
  client.onAnswer = undefined;
  if (!stack.runs('tts-media')) {
    await stack.start('tts-media');
  }
  for (const [what, name, type, make] of FILES) {
    const file = stack.path('tmp', name);
    await make(file);
    let size;
    const { ours, floor } = await interleaved(Math.max(rounds, SLOW_ROUNDS), {
      ours: async () => {
        const id = await client.upload(file, { filetype: type });
        const ms = await timed(async () => {
          const { status, checks, bytes } = await client.until(`/api/v1/media/${id}`, (one) => one.status !== 'checking', 60_000);
          if (status !== 'ready') {
            throw new Error(`${what}: ${JSON.stringify(checks)}`);
          }
          size = bytes;
        });
        // The film strip comes later and would run beside the floor.
        await client.until(`/api/v1/media/${id}`, (one) => one.kind === 'photo' || one.strip !== null, 60_000);
        return ms;
      },
      floor: () => timed(() => bare(file, type)),
    });
    table.compare(`from the last byte to the verdict: ${what}, ${(size / 1e6).toFixed(1)} MB (floor: bare programs)`, 'ms', ours, floor);
  }
}
