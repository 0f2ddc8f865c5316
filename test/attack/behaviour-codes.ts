import type { FailureCode } from '@cimd/core'
import { BEHAVIOURS, type BehaviourName } from './behaviours.ts'

/** What must become of a fetch from each server that the collected cases do not have; `[]`: a valid document. */
const EXPECTED: Readonly<Partial<Record<BehaviourName, readonly FailureCode[]>>> = {
  ...all(
    [],
    [
      ...([
        'ok_cacheable',
        'ok_http10',
        'ok_charset',
        'ok_cimd_json',
        'keepalive_poison',
        'trailers_few',
      ] as const),
      ...([
        'extra_infinite',
        'http20_status_line',
        'ct_text_plain',
        'tls_12',
        'tls_13',
        'tls_renegotiate',
      ] as const),
    ],
  ),
  ...all(['content_encoding'], ['zstd_bomb', 'gzip_small', 'deflate_small', 'ce_unknown', 'ce_lie']),
  ...all(
    ['json_invalid'],
    ['json_blank', 'json_comment', 'json_twice', 'json_utf16', 'json_nul', 'cl_too_short'],
  ),
  // Split in two: what is left is no JSON.
  ...all(['json_invalid'], ['split_crlf']),
  ...all(['json_not_object'], ['json_null', 'json_string']),
  ...all(['json_too_deep'], ['json_deep']),
  ...all(['timeout_response'], ['hdr_stall', 'hdr_stall_mid', 'hdr_trickle', 'hdr_trickle_lines']),
  ...all(
    ['timeout_body'],
    ['body_trickle', 'body_trickle_chunked', 'body_trickle_chunk_size', 'cl_too_long'],
  ),
  ...all(
    ['headers_too_large'],
    [
      ...(['hdr_3000', 'hdr_line_infinite', 'hdr_name_infinite', 'reason_infinite'] as const),
      ...(['i1xx_50', 'i1xx_20k'] as const),
    ],
  ),
  ...all(['too_large'], ['cl_infinite', 'chunk_infinite', 'chunk_tiny', 'chunk_ext_each']),
  ...all(
    ['response_malformed'],
    [
      ...([
        'cl_plus',
        'te_list',
        'chunk_negative',
        'chunk_overrun',
        'hdr_fold',
        'hdr_space_before_colon',
      ] as const),
      ...([
        'hdr_no_colon',
        'status_line_garbage',
        'http_garbage',
        'http09',
        'h2_preface',
        'split_bare_cr',
        's000',
      ] as const),
    ],
  ),
  ...all(
    ['response_incomplete'],
    [
      ...(['cl_twice', 'trunc_chunked', 'close_before_answer', 'close_mid_header', 'close_mid'] as const),
      // Cut off where TLS cannot tell.
      ...(['rst_before_answer', 'rst_mid_header', 'trunc_without_notify'] as const),
    ],
  ),
  ...all(['redirect'], behavioursNamed(/^redirect_3\d\d_/)),
  ...all(['status_unexpected'], ['s202', 's203', 's407', 's999']),
  ...all(['not_modified_unasked'], ['s304']),
  ...all(['status_forbidden'], ['s401', 's403', 's451']),
  ...all(['status_410'], ['s410']),
  ...all(['status_429'], ['s429']),
  ...all(['status_5xx'], ['s500', 's503']),
  ...all(['bot_challenge'], ['bot_challenge']),
  ...all(['html_page'], ['bot_challenge_200', 'ct_html']),
  ...all(['content_type'], ['ct_empty', 'ct_twice', 'ct_list', 'ct_octet_stream', 'ct_json_lookalike']),
  ...all(
    ['tls_certificate_invalid'],
    ['tls_expired', 'tls_not_yet_valid', 'tls_wrong_name', 'tls_unknown_root', 'tls_cn_only'],
  ),
  ...all(
    ['tls_failed'],
    [
      ...(['tls_alpn_h2', 'tls_close', 'tls_garbage_infinite', 'tls_warning_flood', 'tcp_close'] as const),
      ...(['tls_renegotiate_infinite'] as const),
    ],
  ),
  ...all(['connect_failed', 'tls_failed'], ['tcp_rst']),
  ...all(['timeout_connect'], ['tls_trickle']),
}

/** Every behaviour that ends in one of the codes, whoever thought of it first. */
export function expectedOf(behaviour: BehaviourName): readonly FailureCode[] | undefined {
  return EXPECTED[behaviour]
}

function behavioursNamed(pattern: RegExp): readonly BehaviourName[] {
  return (Object.keys(BEHAVIOURS) as BehaviourName[]).filter((name) => pattern.test(name))
}

function all(
  codes: readonly FailureCode[],
  behaviours: readonly BehaviourName[],
): Partial<Record<BehaviourName, readonly FailureCode[]>> {
  return Object.fromEntries(behaviours.map((behaviour) => [behaviour, codes]))
}
