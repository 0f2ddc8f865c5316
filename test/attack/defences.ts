/** A change of one source file: `find` stands in it exactly once. */
export type Edit = { readonly file: string; readonly find: string; readonly replace: string }

/** One defence, how it is taken out, and the attack that then succeeds. */
export type Defence = {
  readonly name: string
  readonly edits: readonly Edit[]
  /** Of ATTACK_ROWS. */
  readonly row: string
  /** In what exactly it ends without the defence, so that no other one passes for it; `timeout_body`: it was waited for. */
  readonly without: string
}

const egress = (file: string, find: string, replace: string): Edit => ({
  file: `packages/egress/src/${file}`,
  find,
  replace,
})
const core = (file: string, find: string, replace: string): Edit => ({
  file: `packages/core/src/${file}`,
  find,
  replace,
})

/** Every defence of the guarded fetch that an attack of ours shows to be needed. */
export const DEFENCES: readonly Defence[] = [
  {
    name: 'resolution check: every answer is judged',
    edits: [egress('vet-addresses.ts', 'if (verdict.public) return verdict.class', "return 'public'")],
    row: 'dns-metadata',
    without: 'accepted',
  },
  {
    name: 'all answers: one bad one refuses the name',
    edits: [
      egress(
        'guarded-request.ts',
        'return vetAddresses(addresses, classify, dangerouslyAllowLoopback)',
        'return vetAddresses(addresses.slice(0, 1), classify, dangerouslyAllowLoopback)',
      ),
    ],
    row: 'dns-mixed-last',
    without: 'accepted',
  },
  {
    name: 'literal check: an IP literal is judged like an answer',
    edits: [
      egress(
        'guarded-request.ts',
        'attempt.note({ addresses: addresses.slice(0, ADDRESSES_MAX) })',
        "if (isIP(host) !== 0) return [{ address: host, class: 'public' }]",
      ),
    ],
    row: 'literal-169.254.169.254',
    without: 'dialled_169.254.169.254',
  },
  {
    name: 'pinning: what was judged is what is dialled',
    edits: [
      egress(
        'guarded-request.ts',
        'const socket = await dialInTurn(settings.dial, { addresses, port }, attempt)',
        `const again = await settings.resolve(host, attempt.signal)
  const socket = await dialInTurn(
    settings.dial,
    { addresses: again.map((address) => ({ address, class: 'public' as const })), port },
    attempt,
  )`,
      ),
    ],
    row: 'rebinding-within-a-fetch',
    without: 'dialled_10.0.0.1',
  },
  {
    name: 'global unicast: nothing outside 2000::/3',
    edits: [
      egress('classify-address.ts', 'if (!matches(parsed, GLOBAL_UNICAST)) return OUTSIDE_UNICAST', ''),
    ],
    row: 'ip-077',
    without: 'accepted',
  },
  {
    name: 'supplement: what the registries lack',
    edits: [egress('special-use-blocks.ts', '  ...SUPPLEMENT,\n', '')],
    row: 'resolver-azure-host',
    without: 'accepted',
  },
  {
    name: 'plain spelling: only what net.isIP reads',
    edits: [
      egress(
        'classify-address.ts',
        "isIP(address) === 0 || address.includes('%')",
        '!ipaddr.isValid(address)',
      ),
    ],
    row: 'ip-112',
    without: 'accepted',
  },
  {
    name: 'answers capped',
    edits: [
      egress('vet-addresses.ts', 'export const ADDRESSES_MAX = 16', 'export const ADDRESSES_MAX = 1e6'),
    ],
    row: 'resolver-1000-addresses',
    without: 'accepted',
  },
  {
    name: 'ports',
    edits: [core('identifier/host-rules.ts', '|| allowed.includes(port)) return []', '|| true) return []')],
    row: 'port-22',
    without: 'dialled_port_22',
  },
  {
    name: 'certificate chain',
    edits: [
      egress('handshake.ts', 'rejectUnauthorized: true', 'rejectUnauthorized: false'),
      egress('handshake.ts', 'if (!secure.authorized)', 'if (secure.destroyed)'),
    ],
    row: 'srv-tls-selfsigned',
    without: 'accepted',
  },
  {
    name: 'certificate name',
    edits: [
      egress(
        'handshake.ts',
        'if (certificate.subjectaltname !== undefined) return checkServerIdentity(name, certificate)',
        'if (certificate.subjectaltname !== undefined) return undefined',
      ),
    ],
    row: 'tls_wrong_name',
    without: 'accepted',
  },
  {
    name: 'names in subjectAltName alone',
    edits: [egress('handshake.ts', 'if (certificate.subjectaltname !== undefined) return', 'return')],
    row: 'tls_cn_only',
    without: 'accepted',
  },
  {
    name: 'TLS 1.2 or newer',
    edits: [
      egress(
        'handshake.ts',
        "minVersion: 'TLSv1.2' }",
        "minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }",
      ),
    ],
    row: 'srv-tls-11',
    without: 'accepted',
  },
  {
    name: 'header cap, bytes',
    edits: [egress('request.ts', 'maxHeaderSize: headerBytesMax', 'maxHeaderSize: 1_000_000')],
    row: 'srv-hdr-20k',
    without: 'accepted',
  },
  {
    name: 'header cap, lines',
    edits: [
      egress('read-gate.ts', 'const HEAD_LINES_MAX = 256', 'const HEAD_LINES_MAX = 1e6'),
      core('response/judge-response.ts', 'const HEADER_LINES_MAX = 64', 'const HEADER_LINES_MAX = 1e6'),
    ],
    row: 'hdr_3000',
    without: 'accepted',
  },
  {
    name: 'decoded cap: the body counted as it is handed on',
    edits: [
      egress('body.ts', 'if (next > bytesMax) throw', 'if (next > 1_000_000) throw'),
      egress('body.ts', 'Math.min(bytesMax, 2 * next)', '2 * next'),
    ],
    row: 'chunked-over-cap',
    without: 'accepted',
  },
  {
    name: 'declared length judged before the body',
    edits: [
      core(
        'response/judge-response.ts',
        'if (length === undefined || !(Number(length) > bodyBytesMax)) return undefined',
        'return undefined',
      ),
    ],
    row: 'srv-cl-huge',
    without: 'timeout_body',
  },
  {
    name: 'wire cap: framing counted too',
    edits: [
      egress(
        'read-gate.ts',
        'if (bytes[part] > bytesMax[part]) attempt.fail',
        'if (part === undefined) attempt.fail',
      ),
      egress(
        'wire-count.ts',
        'if (counted === undefined || counted.socket.bytesRead <= counted.bytesMax) return',
        'return',
      ),
    ],
    row: 'read-over-bound',
    without: 'over_the_bound',
  },
  {
    name: 'encodings refused',
    edits: [
      core(
        'response/judge-response.ts',
        "if (encodings.some((coding) => coding.trim().toLowerCase() !== 'identity')) {",
        'if (encodings.length > 100) {',
      ),
    ],
    row: 'ce_lie',
    without: 'accepted',
  },
  {
    name: 'redirects refused',
    edits: [core('response/judge-response.ts', 'if (status !== 200) return', 'if (status === 404) return')],
    row: 'srv-redirect-307-meta',
    without: 'accepted',
  },
  {
    name: 'deadline over everything',
    edits: [egress('attempt.ts', 'setTimeout(strike, deadlineMs)', 'setTimeout(strike, 60_000)')],
    row: 'body_trickle',
    without: 'hung',
  },
  {
    name: 'deadline in clean-up: nobody is waited for who ignores it',
    edits: [
      egress(
        'attempt.ts',
        'race: (work) => Promise.race([work, abortOf(control.signal)])',
        'race: (work) => work',
      ),
    ],
    row: 'dial-deaf',
    without: 'hung',
  },
  {
    name: 'clean-up: what was opened is destroyed',
    edits: [
      egress(
        'attempt.ts',
        'for (const resource of owned.toReversed()) resource.destroy()',
        'owned.length = 0',
      ),
    ],
    row: 'closed-after-body_stall',
    without: 'left_open',
  },
]
