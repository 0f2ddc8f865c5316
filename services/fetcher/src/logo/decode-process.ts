// The process that decodes one image, under the bounds of decoder-command.ts: from standard input to standard output.
import { writeSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import sharp from 'sharp'
import { INPUT_SIDE_MAX, OUTPUT_SIDE_MAX, READY_LINE, UNDECODABLE } from './decoder-contract.ts'

const STANDARD_ERROR = 2
const WEBP = { quality: 90, alphaQuality: 100, effort: 4 }

sharp.cache(false)
sharp.concurrency(1)
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({ operation: [process.argv[2] ?? ''] })
writeSync(STANDARD_ERROR, READY_LINE)

try {
  const image = sharp(await buffer(process.stdin), {
    failOn: 'error',
    limitInputPixels: INPUT_SIDE_MAX ** 2,
    limitInputChannels: 5,
    sequentialRead: true,
    pages: 1,
  })
  const resized = image.autoOrient().resize({
    width: OUTPUT_SIDE_MAX,
    height: OUTPUT_SIDE_MAX,
    fit: 'inside',
    withoutEnlargement: true,
  })
  process.stdout.write(await resized.webp(WEBP).toBuffer())
} catch (error) {
  writeSync(STANDARD_ERROR, String(error))
  process.exitCode = UNDECODABLE
}
