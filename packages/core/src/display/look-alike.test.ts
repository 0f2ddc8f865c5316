import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_KNOWN_INDEX, indexKnownParties } from './known-index.ts'
import { DEFAULT_KNOWN_PARTIES } from './known-parties.ts'
import { lookAlikeOf } from './look-alike.ts'

const A_LABELS = {
  // сӏaude in Cyrillic, then in Latin
  cyrillicClaude: new URL('https://\u0441\u04cfaude.ai/').hostname,
  greekVscode: new URL('https://vsc\u03bfde.dev/').hostname,
  cyrillicPaypal: new URL('https://\u0440\u0430\u0443\u0440\u0430l.com/').hostname,
  dottedApple: new URL('https://\u1ea1pple.com/').hostname,
  cyrillicApple: new URL('https://\u0430\u0440\u0440\u04cf\u0435.com/').hostname,
}

const hosts = DEFAULT_KNOWN_PARTIES.flatMap((party) => party.hosts)
const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/)

describe('lookAlikeOf', () => {
  it.each([
    [A_LABELS.greekVscode, 'vscode.dev', 'confusable'],
    [A_LABELS.cyrillicPaypal, 'paypal.com', 'confusable'],
    [A_LABELS.dottedApple, 'apple.com', 'confusable'],
    [A_LABELS.cyrillicApple, 'apple.com', 'edit_distance'],
    [A_LABELS.cyrillicClaude, 'claude.ai', 'edit_distance'],
    ['rnicrosoft.com', 'microsoft.com', 'confusable'],
    ['g00gle.com', 'google.com', 'confusable'],
    ['c1aude.ai', 'claude.ai', 'confusable'],
    ['login.paypa1.net', 'paypal.com', 'confusable'],
    ['accounts.google.com.example.net', 'google.com', 'embedded'],
    ['claude-ai.net', 'claude.ai', 'embedded'],
    ['login-github-com.example.net', 'github.com', 'embedded'],
    ['vscode.github.io', 'vscode.dev', 'other_suffix'],
    ['stripe.example.com', undefined, undefined],
    ['stripe.net', 'stripe.com', 'other_suffix'],
    ['gihtub.com', 'github.com', 'edit_distance'],
    ['chatgtp.com', 'chatgpt.com', 'edit_distance'],
    ['githubb.com', 'github.com', 'edit_distance'],
    ['gitlub.com', 'github.com', 'edit_distance'],
    ['anthropics.com', 'anthropic.com', 'edit_distance'],
    ['modelcontexprotocols.io', 'modelcontextprotocol.io', 'edit_distance'],
    ['githubapp.com', undefined, undefined],
    ['zod.dev', undefined, undefined],
    ['zed.io', undefined, undefined],
    ['example.com', undefined, undefined],
    ['127.0.0.1', undefined, undefined],
    ['[::1]', undefined, undefined],
    ['localhost', undefined, undefined],
    ['github.io', undefined, undefined],
    ['com', undefined, undefined],
    ['xn--0.com', undefined, undefined],
  ])('%s: %s by %s', (host, domain, way) => {
    expect(lookAlikeOf(host, DEFAULT_KNOWN_INDEX)).toEqual(domain === undefined ? undefined : { domain, way })
  })

  it('no known host looks like another, and none of its subdomains does', () => {
    fc.assert(
      fc.property(fc.constantFrom(...hosts), fc.array(label, { maxLength: 3 }), (host, labels) => {
        expect(lookAlikeOf([...labels, host].join('.'), DEFAULT_KNOWN_INDEX)).toBeUndefined()
      }),
    )
  })

  it('no host looks like itself, whatever the list', () => {
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 5 }), (labels) => {
        const list = labels.map((one) => `${one}.com`)
        const known = indexKnownParties([{ hosts: list, names: [] }])
        for (const host of list) expect(lookAlikeOf(`www.${host}`, known)).toBeUndefined()
      }),
    )
  })

  it('a list of 10,000 is compared in bounded time, also with the longest of hosts', () => {
    const list = Array.from(
      { length: 10_000 },
      (_, index) => `brand-${index.toString(36).padStart(4, 'q')}.com`,
    )
    const known = indexKnownParties([{ hosts: [...list, 'xn--0', '127.0.0.1'], names: [] }])
    const long = `${'a-'.repeat(31)}a.`.repeat(3)
    const started = performance.now()
    for (let time = 0; time < 20; time++) {
      lookAlikeOf(`${long}example.com`, known)
      lookAlikeOf(`brand-${time}zzzzz.com`, known)
    }
    // Some ten milliseconds each would do; a machine that is busy takes its time.
    expect((performance.now() - started) / 40).toBeLessThan(100)
    expect(lookAlikeOf('bramd-qqq1.com', known)?.way).toBe('edit_distance')
  })
})
