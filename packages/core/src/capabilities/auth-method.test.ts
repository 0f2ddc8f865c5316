import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { authMethodRank, chooseAuthMethod } from './auth-method.ts'

type Given = readonly [singular: string | undefined, plural: readonly string[] | undefined]

function choose([singular, plural]: Given, supported: readonly string[]) {
  return chooseAuthMethod(
    {
      ...(singular !== undefined && { token_endpoint_auth_method: singular }),
      ...(plural !== undefined && { token_endpoint_auth_methods_supported: plural }),
    },
    supported,
  )
}

const PKJ = 'private_key_jwt'

describe('chooseAuthMethod', () => {
  it.each<[string, Given, string[], object]>([
    ['KEY-03', [PKJ, undefined], ['none', PKJ], { method: PKJ, source: 'declared', downgraded: false }],
    [
      'KEY-09',
      [undefined, undefined],
      ['none', PKJ],
      { method: 'none', source: 'default', downgraded: false },
    ],
    [
      'KEY-10',
      ['none', ['none', PKJ]],
      ['none', PKJ],
      { method: 'none', source: 'declared', downgraded: false },
    ],
    ['KEY-11', ['none', ['none', PKJ]], [PKJ, 'x'], { method: PKJ, source: 'plural', downgraded: false }],
    ['KEY-10', [undefined, ['none']], ['none'], { method: 'none', source: 'plural', downgraded: false }],
    [
      'KEY-10',
      [undefined, ['x', 'none']],
      ['none', PKJ],
      { method: 'none', source: 'plural', downgraded: false },
    ],
    ['KEY-11', [PKJ, ['none', PKJ]], ['none', PKJ], { method: PKJ, source: 'declared', downgraded: false }],
    ['KEY-11', [PKJ, ['none', PKJ]], ['none'], { method: 'none', source: 'plural', downgraded: true }],
    [
      'KEY-11',
      [undefined, ['none', 'x', PKJ]],
      ['x', 'none', PKJ],
      { method: PKJ, source: 'plural', downgraded: false },
    ],
    [
      'KEY-11',
      [undefined, ['none', 'x']],
      ['none', 'x'],
      { method: 'x', source: 'plural', downgraded: false },
    ],
    ['KEY-11', [PKJ, ['x']], ['x'], { method: 'x', source: 'plural', downgraded: true }],
    [
      'KEY-11',
      ['x', ['tls_client_auth', PKJ]],
      [PKJ, 'tls_client_auth'],
      { method: 'tls_client_auth', source: 'plural', downgraded: false },
    ],
    [
      'KEY-13',
      ['spiffe_jwt', undefined],
      ['spiffe_jwt'],
      { method: 'spiffe_jwt', source: 'declared', downgraded: false },
    ],
  ])('%s: of %j at a server with %j', (_, given, supported, expected) => {
    expect(choose(given, supported)).toEqual({ ok: true, ...expected })
  })

  it.each<[string, Given, string[], string]>([
    ['KEY-01', ['client_secret_basic', undefined], ['client_secret_basic'], 'no_common_auth_method'],
    ['KEY-09', [undefined, undefined], ['client_secret_basic'], 'no_common_auth_method'],
    ['KEY-09', [undefined, [PKJ]], ['none'], 'no_common_auth_method'],
    ['KEY-09', [undefined, []], ['none'], 'no_common_auth_method'],
    ['KEY-11', [PKJ, undefined], ['none', 'client_secret_post'], 'auth_method_downgrade'],
    ['KEY-11', [PKJ, [PKJ]], ['none'], 'auth_method_downgrade'],
    ['KEY-13', ['x', undefined], ['none'], 'auth_method_downgrade'],
    ['FET-22', [PKJ, undefined], ['tls_client_auth'], 'no_common_auth_method'],
    ['FET-22', ['none', undefined], [PKJ], 'no_common_auth_method'],
  ])('%s: finds nothing for %j at a server with %j: %s', (_, given, supported, problem) => {
    expect(choose(given, supported)).toEqual({ ok: false, problem })
  })

  it('KEY-11: chooses what both sides have, and a weaker method than the declared one only with its leave', () => {
    const method = fc.constantFrom('none', PKJ, 'tls_client_auth', 'x', 'client_secret_basic')
    const option = { nil: undefined }
    fc.assert(
      fc.property(
        fc.option(method, option),
        fc.option(fc.array(method), option),
        fc.array(method),
        (one, many, supported) => {
          const choice = choose([one, many], supported)
          if (!choice.ok) return
          expect(supported).toContain(choice.method)
          expect(choice.method).not.toBe('client_secret_basic')
          const weaker = authMethodRank(choice.method) < authMethodRank(one)
          expect(choice.downgraded).toBe(weaker)
          if (weaker) expect(many).toContain(choice.method)
        },
      ),
    )
  })
})
