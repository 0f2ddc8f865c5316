import { describe, expect, it } from 'vitest'
import { dangerousEnvironment } from './refuse-environment.ts'

describe(dangerousEnvironment, () => {
  it.each([
    'NODE_TLS_REJECT_UNAUTHORIZED',
    'NODE_EXTRA_CA_CERTS',
    'SSLKEYLOGFILE',
    'HOSTALIASES',
    'OPENSSL_CONF',
    'NODE_USE_SYSTEM_CA',
    'SSL_CERT_FILE',
    'LOCALDOMAIN',
    'RES_OPTIONS',
    'NODE_USE_ENV_PROXY',
    'HTTPS_PROXY',
    'http_proxy',
    'all_proxy',
    'no_proxy',
  ])('FET-16, FET-24: names %s', (name) => {
    expect(dangerousEnvironment({ PATH: '/bin', [name]: '1' }, [])).toEqual([name])
  })

  it.each([
    '--use-env-proxy',
    '--max-old-space-size=512 --use-openssl-ca',
    '--use-system-ca',
    '--tls-min-v1.0',
    '--tls-keylog=/tmp/keys',
    '--insecure-http-parser',
    '--use_env_proxy',
    '--max_old_space_size=512 --use_openssl-ca',
    '--use_system_ca',
    '--tls_min_v1.0',
    '--tls_keylog=/tmp/keys',
    '--insecure_http_parser',
    '--use"-env-"proxy',
    '"--use\\-env-proxy"',
  ])('FET-16, FET-24: names NODE_OPTIONS that say %s', (options) => {
    expect(dangerousEnvironment({ NODE_OPTIONS: options }, [])).toEqual(['NODE_OPTIONS'])
  })

  it.each([
    ['--use-env-proxy', '--use-env-proxy'],
    ['--use_env_proxy', '--use_env_proxy'],
    ['--tls_keylog=/tmp/keys', '--tls_keylog'],
    ['--insecure_http_parser', '--insecure_http_parser'],
    ['--experimental-config-file=node.config.json', '--experimental-config-file'],
  ])('FET-16, FET-24: names an argument of Node that says %s', (argument, name) => {
    expect(dangerousEnvironment({ NO_PROXY: '*' }, ['--enable-source-maps', argument])).toEqual([
      'NO_PROXY',
      name,
    ])
  })

  it('is content with an ordinary environment, with what npm sets, and with empty values', () => {
    const env = {
      PATH: '/bin',
      npm_config_https_proxy: 'http://proxy',
      HTTPS_PROXY: '',
      NODE_OPTIONS: '--max-old-space-size=512 --enable-source-maps --title=a_--use_env_proxy',
      RES_OPTIONS: undefined,
    }
    expect(dangerousEnvironment(env, ['--expose_gc', '--env-file=.env'])).toEqual([])
  })
})
