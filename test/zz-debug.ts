import { homedir } from 'node:os'
import { execFileSync } from 'node:child_process'
import { makeHome, startOwner, processesAt, untilNothingRemains } from './harness/embedded-owner.ts'
import { readFileSync } from 'node:fs'
import pg from 'pg'
const q = async (url: string) => { const c = new pg.Client({connectionString:url}); await c.connect(); await c.query('select 1'); await c.end() }
const home = await makeHome()
for (let i=0;i<40;i++) {
  const owner = await startOwner(home.path)
  await q(owner.url)
  const procs = processesAt(home.path)
  const guards = procs.filter(p=>p.command.includes('cimd-postgres-guard'))
  for (const {pid} of guards) process.kill(pid,'SIGKILL')
  await owner.kill('SIGKILL')
  try { await q(owner.url) } catch (e) { console.log(i, (e as Error).message, guards.map(g=>g.pid), procs.map(p=>[p.pid,p.command.slice(0,30)]), owner.pid); console.log(execFileSync('ps',['-eo','pid,ppid,stat,args'],{encoding:'utf8'}).split('\n').filter(l=>l.includes(home.path)).map(l=>l.slice(0,60)).join('\n')); console.log(readFileSync(owner.directory+'/server.log','utf8')) }
  const o2 = await startOwner(home.path); await o2.end('stop()')
}
await home[Symbol.asyncDispose]()
