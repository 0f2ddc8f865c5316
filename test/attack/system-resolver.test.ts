import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missingForNamespaces, skipFor } from '../harness/requirements.ts'

const SCRIPT = fileURLToPath(new URL('processes/ask-system.ts', import.meta.url))
const run = promisify(execFile)
const { skipped, title } = skipFor(missingForNamespaces())

// In namespaces of its own: the files of this machine and its port 53 stay what they are.
const IN_NAMESPACE = `
  ip link set lo up
  mount --bind "$1/resolv.conf" /etc/resolv.conf
  mount --bind "$1/hosts" /etc/hosts
  exec "$2" "$3"
`

describe.skipIf(skipped)(title('the name servers of the system'), () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'cimd-attack-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  async function ask(resolvConf: string, hosts: string) {
    writeFileSync(join(directory, 'resolv.conf'), `nameserver 127.0.0.1\n${resolvConf}`)
    writeFileSync(join(directory, 'hosts'), hosts)
    const args = ['-m', '-n', 'sh', '-ec', IN_NAMESPACE, 'sh', directory, process.execPath, SCRIPT]
    const { stdout } = await run('unshare', args, { env: { PATH: process.env['PATH'] } })
    return JSON.parse(stdout)
  }
  const exact = { ours: ['93.184.215.14'], questions: ['A client.example.com', 'AAAA client.example.com'] }

  it('FET-16, dns-search-domain: are asked for the exact name, where the system would search a domain', async () => {
    expect(await ask('search corp.internal\noptions ndots:5\n', '')).toEqual({ ...exact, system: '10.9.9.9' })
  })

  it('FET-16, dns-hosts-file: are asked, where the system would read the hosts file', async () => {
    expect(await ask('', '127.0.0.1 client.example.com\n')).toEqual({ ...exact, system: '127.0.0.1' })
  })
})
