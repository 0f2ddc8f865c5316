import { describe, expect, it } from 'vitest'
import { dangerousEnvironment } from './refuse-environment.ts'

describe(dangerousEnvironment, () => {
  it.each([
    'NODE_TLS_REJECT_UNAUTHORIZED',
    'NODE_EXTRA_CA_CERTS',
    'SSLKEYLOGFILE',
    'HOSTALIASES',
    'LOCALDOMAIN',
    'RES_OPTIONS',
    'NODE_USE_ENV_PROXY',
    'HTTPS_PROXY',
    'http_proxy',
    'all_proxy',
    'no_proxy',
  ])('FET-16, FET-24: names %s', (name) => {
    expect(dangerousEnvironment({ PATH: '/bin', [name]: '1' })).toEqual([name])
  })

  it('is content with an ordinary environment, with what npm sets, and with empty values', () => {
    const env = {
      PATH: '/bin',
      npm_config_https_proxy: 'http://proxy',
      HTTPS_PROXY: '',
      RES_OPTIONS: undefined,
    }
    expect(dangerousEnvironment(env)).toEqual([])
  })
})
