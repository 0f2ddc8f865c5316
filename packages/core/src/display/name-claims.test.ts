import { describe, expect, it } from 'vitest'
import { DEFAULT_KNOWN_INDEX, indexKnownParties } from './known-index.ts'
import { foreignHostIn, knownNameOf } from './name-claims.ts'

describe('foreignHostIn', () => {
  it.each([
    ['Weather', undefined],
    ['Weather (app.example.com)', undefined],
    ['Weather (claude.ai)', 'claude.ai'],
    ['https://claude.ai/login', 'claude.ai'],
    ['Claude．ai', 'claude.ai'],
    ['claude。ai', 'claude.ai'],
    ['CLAUDE․AI', 'claude.ai'],
    ['see www.paypal.com.', 'www.paypal.com'],
    ['example.com at claude.ai', 'claude.ai'],
    ['https://', '://'],
    ['https://localhost', '://'],
    ['https://example.com', undefined],
    ['Node.js 1.2 tool...', undefined],
    ['a.b', undefined],
    ['Tool 1.2.3.4.5', undefined],
    ['a..b.com', undefined],
    ['x.invalid\u00a7', undefined],
  ])('%s: %s', (name, found) => {
    expect(foreignHostIn(name, 'app.example.com')).toBe(found)
  })

  it('passes over what is too long for a host', () => {
    expect(foreignHostIn(`${'日.'.repeat(200)}com`, 'example.com')).toBeUndefined()
  })
})

describe('knownNameOf', () => {
  it.each([
    ['Claude', 'claude.ai'],
    ['Сlаude', 'claude.ai'],
    ['Claude Desktop', 'claude.ai'],
    ['GitHub Security Team', 'github.com'],
    ['Visual Studio Code MCP Client', 'vscode.dev'],
    ['V.S. Code', 'vscode.dev'],
    ['GoogIe', 'google.com'],
    ['PayPaI Login', 'paypal.com'],
    ['ICLOUD', 'apple.com'],
    ['App for GitHub', undefined],
    ['Enhanced for Slack', undefined],
    ['Weather', undefined],
    ['The Official App', undefined],
    ['—', undefined],
  ])('%s: %s', (name, host) => {
    expect(knownNameOf(name, 'example.com', DEFAULT_KNOWN_INDEX)).toBe(host)
  })

  it('lets those bear a name whose it is', () => {
    expect(knownNameOf('Claude', 'docs.claude.com', DEFAULT_KNOWN_INDEX)).toBeUndefined()
    expect(knownNameOf('GitHub', 'github.com', DEFAULT_KNOWN_INDEX)).toBeUndefined()
  })

  it('tells the name itself where its owner has no host', () => {
    const known = indexKnownParties([{ hosts: [], names: ['Acme'] }])
    expect(knownNameOf('ACME app', 'example.com', known)).toBe('Acme')
  })
})
