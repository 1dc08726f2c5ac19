// Photos for tests, made by ffmpeg, with metadata put into them by hand.
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';

/** A photo; the ending of the name chooses the format. quads: red green / blue white in its corners. */
export function paint(file, { width = 640, height = 480, color = '', quads = false, flags = [] } = {}) {
  const half = `${width / 2}x${height / 2}`;
  const inputs = quads ? ['red', 'lime', 'blue', 'white'].flatMap((one) => ['-f', 'lavfi', '-i', `color=${one}:s=${half}`]) : ['-f', 'lavfi', '-i', color ? `color=${color}:s=${width}x${height}` : `testsrc2=size=${width}x${height}`];
  const filter = quads ? ['-filter_complex', '[0][1]hstack[t];[2][3]hstack[b];[t][b]vstack'] : [];
  execFileSync('ffmpeg', ['-nostdin', '-hide_banner', '-loglevel', 'error', '-y', ...inputs, ...filter, '-frames:v', '1', ...flags, file]);
  return file;
}

/** Puts EXIF with an orientation and a place in words, and a comment, behind the first two bytes of a JPEG. */
export async function addExif(file, orientation) {
  const jpeg = await readFile(file);
  const tiff = Buffer.concat([
    Buffer.from('MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01', 'latin1'),
    Buffer.from([0, orientation, 0, 0, 0, 0, 0, 0]),
    Buffer.from('GPS SECRETPLACE', 'latin1'),
  ]);
  const segment = (marker, body) => Buffer.concat([Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 0xff]), body]);
  const exif = segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]));
  await writeFile(file, Buffer.concat([jpeg.subarray(0, 2), exif, segment(0xfe, Buffer.from('SECRETPLACE')), jpeg.subarray(2)]));
  return file;
}
