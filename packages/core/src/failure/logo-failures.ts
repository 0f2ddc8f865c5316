import { type FailureFacts, rejected } from './failure-facts.ts'

/** Why the bytes at a logo_uri are no image that is shown (UI-06). */
export const LOGO_FAILURES = {
  logo_type: rejected(
    'The logo is none of PNG, JPEG, WebP and GIF, whatever it is served as.',
    'Export the logo as PNG or WebP: SVG, ICO and AVIF are not shown.',
  ),
  logo_dimensions: rejected(
    'The logo declares no size, or more pixels than are decoded.',
    'Publish a logo of at most 4096 by 4096 pixels; 512 by 512 is what is stored.',
  ),
  logo_frames: rejected(
    'The logo is an animation of more frames than are read.',
    'Publish a still image: only the first frame is shown.',
  ),
  logo_malformed: rejected(
    'The logo is broken, or ends too early.',
    'Export the logo again, and check that all of it is served.',
  ),
  logo_too_costly: rejected(
    'Decoding the logo takes more time or memory than it may.',
    'Export the logo again as a plain PNG of at most 512 by 512 pixels.',
  ),
  logo_decoder_crashed: rejected(
    'The image decoder failed at the logo.',
    'Export the logo again with another program.',
  ),
} as const satisfies Record<string, FailureFacts>
