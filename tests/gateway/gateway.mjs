// A real Wechaty gateway (PuppetServer) with a mock account behind it, driven by the tests over HTTP.
// Settings: GATEWAY_TOKEN, _BOT, _BOT_NAME, _GRPC_PORT, _HTTP_PORT (0 = any), _TLS=1, _AUTO_LOGIN=0, _ECHO_SELF=1,
// _STRICT=1 (neither reads nor writes deprecated fields), _FLAVOR=juzi (the vendor's server code), _PARENT=1 (ends with stdin).
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { performance } from 'node:perf_hooks'

import { FileBox } from 'file-box'
import * as PUPPET from 'wechaty-puppet'
import { PuppetMock } from 'wechaty-puppet-mock'

const setting = (name, otherwise = '') => process.env[`GATEWAY_${name}`] ?? otherwise
const on = name => setting(name) === '1'
const juzi = setting('FLAVOR') === 'juzi'
const TOKEN = setting('TOKEN', 'puppet_workpro_local')
const BOT = setting('BOT', '1688850000000001')

const { grpc, puppet: pb } = await import(juzi ? '@juzi/wechaty-grpc' : 'wechaty-grpc')
const { PuppetServer, log } = await import(juzi ? '@juzi/wechaty-puppet-service' : 'wechaty-puppet-service')
log?.level('silent')
PUPPET.log.level('silent')
if (juzi) (await import('@juzi/wechaty-puppet')).log.level('silent')

// ---- what the tests look at and change ----
const contacts = new Map()
const rooms = new Map()
const messages = new Map()
const files = new Map()
const friendships = new Map()
const sent = []
const calls = {}
const faults = new Map()
const streams = new Set()
const marks = { said: 0, firstSaid: 0, lastSaid: 0, firstSent: 0, lastSent: 0, acceptedFriends: [] }
let serial = 0
const nextId = prefix => `${prefix}${Date.now().toString(36)}${(++serial).toString(36).padStart(6, '0')}`

// ---- the account ----
class Account extends PuppetMock {

  // a client may stop and start the account; like a phone that was scanned once, it comes back by itself
  async onStart () {
    await super.onStart()
    if (setting('AUTO_LOGIN', '1') === '1') setImmediate(() => this.isLoggedIn || this.login(BOT))
  }

  async contactRawPayload (id) {
    return contacts.get(id) ?? fail(`no contact ${id}`)
  }

  async roomRawPayload (id) {
    return rooms.get(id) ?? fail(`no room ${id}`)
  }

  async roomMemberList (id) {
    return (await this.roomRawPayload(id)).memberIdList
  }

  async messageRawPayload (id) {
    return messages.get(id) ?? fail(`no message ${id}`)
  }

  async messageFile (id) {
    return files.get(id) ?? fail(`no file ${id}`)
  }

  async messageImage (id) {
    return this.messageFile(id)
  }

  async friendshipRawPayload (id) {
    return friendships.get(id) ?? fail(`no friendship ${id}`)
  }

  async friendshipAccept (id) {
    const request = await this.friendshipRawPayload(id)
    marks.acceptedFriends.push(request.contactId)
  }

  async messageSendText (to, text, extra) {
    const mentions = Array.isArray(extra) ? extra : extra?.mentionIdList ?? []
    return this.keep(to, { kind: 'text', text, mentions }, { type: PUPPET.types.Message.Text, text })
  }

  async messageSendFile (to, box) {
    const bytes = await box.toBuffer()
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return this.keep(to, { kind: 'file', name: box.name, mediaType: box.mediaType, size: bytes.length, sha256 },
      { type: PUPPET.types.Message.Image, text: '', filename: box.name })
  }

  async messageSendUrl (to, link) {
    return this.keep(to, { kind: 'link', link }, { type: PUPPET.types.Message.Url, text: link.url })
  }

  keep (to, what, payload) {
    if (!this.isLoggedIn) throw new Error('not logged in')
    const id = nextId('s')
    const now = performance.now()
    sent.push({ id, to, ...what })
    marks.firstSent ||= now
    marks.lastSent = now
    if (on('ECHO_SELF')) {
      messages.set(id, { id, timestamp: Date.now(), talkerId: BOT, ...destination(to), mentionIdList: [], ...payload })
      setImmediate(() => this.emit('message', { messageId: id }))
    }
    return id
  }

}

function fail (reason) {
  throw new Error(reason)
}

const destination = to => rooms.has(to) ? { roomId: to } : { listenerId: to }
const account = new Account()

function addContact ({ id, name = '', ...more }) {
  contacts.set(id, { id, name, avatar: '', gender: 0, type: 1, friend: true, phone: [], ...more })
  account.cache.contact?.delete(id)
}

function addRoom ({ id, topic = '', memberIdList = [], ownerId = '' }) {
  rooms.set(id, { id, topic, memberIdList: [...memberIdList], adminIdList: [], ownerId, avatar: '' })
  account.cache.room?.delete(id)
}

function changeRoom (id, change) {
  const room = rooms.get(id) ?? fail(`no room ${id}`)
  addRoom({ ...room, ...change(room) })
  account.dirtyPayload(PUPPET.types.Payload.Room, id)
}

function say ({ id = nextId('m'), from, room, to = BOT, text = '', mentions = [], type = PUPPET.types.Message.Text,
  timestamp = Date.now(), quote, filename, bytes, base64, quiet = false }) {
  messages.set(id, { id, talkerId: from, ...(room ? { roomId: room } : { listenerId: to }), text, type, timestamp,
    mentionIdList: mentions, filename, quoteId: quote })
  if (base64 !== undefined || bytes) {
    const data = base64 === undefined ? Buffer.alloc(bytes, 'x') : Buffer.from(base64, 'base64')
    files.set(id, FileBox.fromBuffer(data, filename ?? 'file.dat'))
  }
  const now = performance.now()
  marks.said += 1
  marks.firstSaid ||= now
  marks.lastSaid = now
  if (!quiet) account.emit('message', { messageId: id })
  return id
}

const COMMANDS = {
  contact: body => { [body].flat().forEach(addContact) },
  room: body => { [body].flat().forEach(addRoom) },
  say: body => ({ ids: [body].flat().map(say) }),
  flood: ({ count, senders, rooms, prefix = 'n' }) => {
    for (let n = 0; n < count; n++) {
      say({ from: senders[n % senders.length], room: rooms[n % rooms.length], text: `${prefix}${n}` })
    }
  },
  replay: ({ ids }) => { ids.forEach(messageId => account.emit('message', { messageId })) },
  join: ({ room, ids, inviter = '', timestamp = Date.now() }) => {
    changeRoom(room, old => ({ memberIdList: [...new Set([...old.memberIdList, ...ids])] }))
    account.emit('room-join', { roomId: room, inviteeIdList: ids, inviterId: inviter, timestamp })
  },
  leave: ({ room, ids, remover = '', timestamp = Date.now() }) => {
    changeRoom(room, old => ({ memberIdList: old.memberIdList.filter(id => !ids.includes(id)) }))
    account.emit('room-leave', { roomId: room, removeeIdList: ids, removerId: remover, timestamp })
  },
  topic: ({ room, topic, changer = '', timestamp = Date.now() }) => {
    const old = rooms.get(room).topic
    changeRoom(room, () => ({ topic }))
    account.emit('room-topic', { roomId: room, changerId: changer, newTopic: topic, oldTopic: old, timestamp })
  },
  friendship: ({ id = nextId('f'), contact, type = 2, hello = '' }) => {
    friendships.set(id, { id, contactId: contact, type, hello, ticket: '', timestamp: Date.now() })
    account.emit('friendship', { friendshipId: id })
    return { id }
  },
  emit: ({ name, payload }) => { account.emit(name, payload) },
  login: () => { account.login(BOT) },
  logout: ({ reason = 'kicked' } = {}) => account.logout(reason),
  sent: ({ after = 0 } = {}) => ({ sent: sent.slice(after) }),
  marks: () => ({ ...marks, sent: sent.length }),
  // answers once so many messages were sent, or after the deadline
  wait: ({ count, seconds = 60 }) => new Promise(resolve => {
    const end = performance.now() + seconds * 1000
    const look = () => sent.length >= count || performance.now() > end ? resolve({ sent: sent.length }) : setTimeout(look, 10)
    look()
  }),
  calls: () => calls,
  forget: () => {
    faults.clear()
    sent.length = 0
    Object.keys(calls).forEach(key => delete calls[key])
    Object.assign(marks, { said: 0, firstSaid: 0, lastSaid: 0, firstSent: 0, lastSent: 0, acceptedFriends: [] })
  },
  fault: ({ method, delayMs = 0, code, details = 'fault', times = 1, after = false }) => {
    if (times) faults.set(method, { delayMs, code, details, times, after })
    else faults.delete(method)
  },
  endStreams: ({ code = 0 } = {}) => {
    for (const call of [...streams]) {
      if (code) call.emit('error', Object.assign(new Error('ended'), { code, details: 'ended by the test' }))
      else call.end()
    }
  },
  // the server goes on answering calls, but nothing more is written into the open streams
  deafen: () => { for (const call of streams) call.write = () => true },
  settings: changes => { for (const [name, value] of Object.entries(changes)) process.env[`GATEWAY_${name}`] = value },
  ca: () => ({ pem: readFileSync('node_modules/wechaty-puppet-service/dist/esm/src/auth/ca.js', 'utf8').match(/TLS_CA_CERT = `([^`]+)`/)[1] }),
  state: () => ({ loggedIn: account.isLoggedIn, streams: streams.size }),
}

// ---- gRPC: count every call, and break it where a test asked for that ----
function watched (method, handler) {
  const name = method[0].toLowerCase() + method.slice(1)
  return (call, callback) => {
    calls[name] = (calls[name] ?? 0) + 1
    if (name === 'event') {
      streams.add(call)
      for (const end of ['cancelled', 'error', 'finish', 'close']) call.on(end, () => streams.delete(call))
    }
    const fault = faults.get(name)
    if (!fault || fault.times <= 0) return handler(call, callback)
    fault.times -= 1
    const { delayMs, code, details, after } = fault
    const error = () => Object.assign(new Error(details), { code, details })
    if (after) {
      // the work is done, but its answer is late or becomes an error
      return handler(call, (...result) => setTimeout(() => code ? callback(error()) : callback(...result), delayMs))
    }
    setTimeout(() => code ? (callback ? callback(error()) : call.emit('error', error())) : handler(call, callback), delayMs)
  }
}

const addService = grpc.Server.prototype.addService
grpc.Server.prototype.addService = function (service, handlers) {
  const wrapped = service === pb.PuppetService
    ? Object.fromEntries(Object.entries(handlers).map(([name, handler]) => [name, watched(name, handler)]))
    : handlers
  return addService.call(this, service, wrapped)
}

if (on('STRICT')) {
  for (const message of Object.values(pb)) {
    for (const name of Object.getOwnPropertyNames(message?.prototype ?? {})) {
      if (/^set.*Deprecated$/.test(name)) message.prototype[name] = () => {}
      // what the generated serialiser takes for "not set": nothing for a message, 0 for a number, '' for a string
      const unset = /StringValue/.test(name) ? undefined : /Timestamp/.test(name) ? 0 : ''
      if (/^get.*Deprecated$/.test(name)) message.prototype[name] = () => unset
    }
  }
}

const freePort = () => new Promise((resolve, reject) => {
  const probe = createTcpServer().on('error', reject).listen(0, '127.0.0.1', () => {
    const { port } = probe.address()
    probe.close(() => resolve(port))
  })
})

addContact({ id: BOT, name: setting('BOT_NAME', 'bot') })
account.on('error', () => {})
await account.start()

const grpcPort = Number(setting('GRPC_PORT', '0')) || await freePort()
const server = new PuppetServer({ endpoint: `127.0.0.1:${grpcPort}`, puppet: account, token: TOKEN, tls: { disable: !on('TLS') } })
await server.start()

const control = createServer(async (request, response) => {
  let status = 200
  let answer
  try {
    let text = ''
    for await (const chunk of request) text += chunk
    const path = request.url.slice(1)
    if (path === `v0/hosties/${TOKEN}`) {
      answer = { host: '127.0.0.1', ip: '127.0.0.1', port: grpcPort }
    } else if (path.startsWith('v0/hosties/')) {
      answer = { host: '0.0.0.0', ip: '0.0.0.0', port: 0 }
    } else if (!COMMANDS[path]) {
      status = 404
    } else {
      answer = await COMMANDS[path](text ? JSON.parse(text) : undefined)
    }
  } catch (error) {
    status = 500
    answer = { error: String(error?.message ?? error) }
  }
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? {}))
})
control.keepAliveTimeout = 60_000
control.listen(Number(setting('HTTP_PORT', '0')), '127.0.0.1', () => {
  process.stdout.write(JSON.stringify({ grpc: grpcPort, http: control.address().port, bot: BOT }) + '\n')
})

if (on('PARENT')) process.stdin.on('end', () => process.exit(0)).resume()
process.on('uncaughtException', error => process.stderr.write(`gateway: ${error?.stack ?? error}\n`))
