"""
Builds folders of C and C++ into shared libraries with `jmake`, from Julia.

    include("JMake.jl"); using .JMake      # or this file's folder in `LOAD_PATH`, and `using JMake`

    built = JMake.build("game")
    built.success || error(built)
    ccall((:add, built.library_path), Cint, (Cint, Cint), 1, 2)

[`JMake.build`](@ref) and [`JMake.watch`](@ref) build, [`JMake.stats`](@ref) and
[`JMake.status`](@ref) tell, and [`JMake.call`](@ref) reaches every method of jmake's services.

One file, nothing but Julia's standard library, Julia 1.5 or newer.  Where it can, it speaks to the
project's daemon over its socket (the protocol is `docs/protocol.md` of jmake); where there is none,
or anything about it is odd, it runs the command.  What comes back is the same.

Environment variables, looked at with every call: `JMAKE` is the program `jmake` where it is not on
the `PATH`; `JMAKE_DAEMON` (`auto`, `on`, `off`) and `CI` mean what they mean to the command; `PATH`,
`PKG_CONFIG_PATH`, `HOME`, `XDG_CACHE_HOME`, `XDG_CONFIG_HOME` and `MAKEFLAGS` go with the request.
"""
module JMake

using Sockets

# ---------------------------------------------------------------------------------------------
# JSON
# ---------------------------------------------------------------------------------------------

"Just enough JSON, and all of it: RFC 8259 in, RFC 8259 out."
module Json

"How deep objects and lists may lie in one another."
const DEEPEST = 512

"A text that is no JSON, and where that shows."
struct Malformed <: Exception
    what::String
    at::Int
end

Base.showerror(io::IO, e::Malformed) = print(io, "this is not JSON: ", e.what, " at byte ", e.at)

mutable struct Reader
    bytes::Vector{UInt8}
    at::Int
end

wrong(r::Reader, what) = throw(Malformed(what, r.at))
peek(r::Reader) = r.at <= length(r.bytes) ? @inbounds(r.bytes[r.at]) : 0x00

"""
    Json.read(text) -> value

An object is a `Dict{String,Any}`, a list a `Vector{Any}`, a number an `Int`, a `BigInt` where that
is too small, or a `Float64`, and `null` is `nothing`.  Throws [`Malformed`](@ref).
"""
read(text::AbstractString) = read(Vector{UInt8}(codeunits(String(text))))
function read(bytes::Vector{UInt8})
    r = Reader(bytes, 1)
    value = read_value(r, 0)
    skip_space(r)
    r.at > length(bytes) || wrong(r, "something after the value")
    return value
end

function skip_space(r::Reader)
    while peek(r) in (0x20, 0x09, 0x0a, 0x0d)
        r.at += 1
    end
end

function read_value(r::Reader, depth::Int)
    depth > DEEPEST && wrong(r, "too deep")
    skip_space(r)
    byte = peek(r)
    byte == UInt8('{') && return read_object(r, depth)
    byte == UInt8('[') && return read_list(r, depth)
    byte == UInt8('"') && return read_text(r)
    (byte == UInt8('-') || is_digit(byte)) && return read_number(r)
    for (word, value) in (("true", true), ("false", false), ("null", nothing))
        last = r.at + ncodeunits(word) - 1
        if last <= length(r.bytes) && view(r.bytes, r.at:last) == codeunits(word)
            r.at = last + 1
            return value
        end
    end
    return wrong(r, "no value")
end

is_digit(byte::UInt8) = UInt8('0') <= byte <= UInt8('9')

# What is between the brackets: calls `item` for each thing between two commas.
function read_items(item, r::Reader, close::Char)
    r.at += 1
    skip_space(r)
    if peek(r) == UInt8(close)
        r.at += 1
        return
    end
    while true
        item()
        skip_space(r)
        byte = peek(r)
        r.at += 1
        byte == UInt8(close) && return
        byte == UInt8(',') || (r.at -= 1; wrong(r, "neither `,` nor `$close`"))
    end
end

function read_object(r::Reader, depth::Int)
    object = Dict{String,Any}()
    read_items(r, '}') do
        skip_space(r)
        peek(r) == UInt8('"') || wrong(r, "no name")
        name = read_text(r)
        skip_space(r)
        peek(r) == UInt8(':') || wrong(r, "no `:`")
        r.at += 1
        object[name] = read_value(r, depth + 1)
    end
    return object
end

function read_list(r::Reader, depth::Int)
    list = Any[]
    read_items(() -> push!(list, read_value(r, depth + 1)), r, ']')
    return list
end

function read_text(r::Reader)
    r.at += 1
    start = r.at
    text = UInt8[]
    while true
        byte = peek(r)
        r.at <= length(r.bytes) || wrong(r, "a text without end")
        if byte == UInt8('"')
            append!(text, view(r.bytes, start:r.at-1))
            r.at += 1
            break
        elseif byte == UInt8('\\')
            append!(text, view(r.bytes, start:r.at-1))
            r.at += 1
            read_escape(r, text)
            start = r.at
        elseif byte < 0x20
            wrong(r, "a control character in a text")
        else
            r.at += 1
        end
    end
    text = String(text)
    isvalid(text) || wrong(r, "a text that is not UTF-8")
    return text
end

const ESCAPES = Dict{UInt8,UInt8}(
    UInt8(from) => UInt8(to) for
    (from, to) in ('"' => '"', '\\' => '\\', '/' => '/', 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t')
)

function read_escape(r::Reader, text::Vector{UInt8})
    byte = peek(r)
    if byte == UInt8('u')
        r.at += 1
        append!(text, codeunits(string(read_unicode(r))))
    elseif haskey(ESCAPES, byte)
        push!(text, ESCAPES[byte])
        r.at += 1
    else
        wrong(r, "an unknown escape")
    end
end

# The character of `\uXXXX`, or of two of them that belong together; half a pair is U+FFFD.
function read_unicode(r::Reader)
    code = read_hex(r)
    if 0xd800 <= code <= 0xdbff && peek(r) == UInt8('\\') && r.at < length(r.bytes) && r.bytes[r.at+1] == UInt8('u')
        back = r.at
        r.at += 2
        low = read_hex(r)
        0xdc00 <= low <= 0xdfff && return Char(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00))
        r.at = back
    end
    return 0xd800 <= code <= 0xdfff ? '\ufffd' : Char(code)
end

function read_hex(r::Reader)
    code = UInt32(0)
    for _ in 1:4
        byte = peek(r)
        digit = is_digit(byte) ? byte - UInt8('0') :
            UInt8('a') <= byte | 0x20 <= UInt8('f') ? (byte | 0x20) - UInt8('a') + 0x0a : wrong(r, "no four digits after `\\u`")
        code = code << 4 | digit
        r.at += 1
    end
    return code
end

function read_number(r::Reader)
    start = r.at
    digits() = (is_digit(peek(r)) || wrong(r, "no digit"); while is_digit(peek(r)); r.at += 1; end)
    peek(r) == UInt8('-') && (r.at += 1)
    if peek(r) == UInt8('0')
        r.at += 1
    else
        digits()
    end
    whole = true
    if peek(r) == UInt8('.')
        whole = false
        r.at += 1
        digits()
    end
    if peek(r) in (UInt8('e'), UInt8('E'))
        whole = false
        r.at += 1
        peek(r) in (UInt8('+'), UInt8('-')) && (r.at += 1)
        digits()
    end
    text = String(r.bytes[start:r.at-1])
    whole || return parse(Float64, text)
    small = tryparse(Int, text)
    return small === nothing ? parse(BigInt, text) : small
end

"""
    Json.write(value) -> String

One line.  Keys and symbols become texts, `missing` becomes `null`, tuples become lists and named
tuples objects.  Throws an `ArgumentError` for what JSON cannot say.
"""
write(value) = sprint(write, value)
write(io::IO, ::Union{Nothing,Missing}) = print(io, "null")
write(io::IO, value::Bool) = print(io, value)
write(io::IO, value::Integer) = print(io, BigInt(value))
function write(io::IO, value::Real)
    number = Float64(value)
    isfinite(number) || throw(ArgumentError("JSON has no number $number"))
    print(io, number)
end
write(io::IO, value::Symbol) = write(io, String(value))
function write(io::IO, value::AbstractString)
    isvalid(value) || throw(ArgumentError("JSON has no text $(repr(value)): it is not UTF-8"))
    print(io, '"')
    for char in value
        if char == '"' || char == '\\'
            print(io, '\\', char)
        elseif char < ' '
            print(io, "\\u", string(UInt32(char), base = 16, pad = 4))
        else
            print(io, char)
        end
    end
    print(io, '"')
end
function write(io::IO, value::Union{AbstractVector,Tuple,AbstractSet})
    print(io, '[')
    for (i, item) in enumerate(value)
        i > 1 && print(io, ',')
        write(io, item)
    end
    print(io, ']')
end
function write(io::IO, value::Union{AbstractDict,NamedTuple})
    print(io, '{')
    for (i, (name, item)) in enumerate(pairs(value))
        i > 1 && print(io, ',')
        write(io, string(name))
        print(io, ':')
        write(io, item)
    end
    print(io, '}')
end
write(::IO, value) = throw(ArgumentError("JSON cannot say a $(typeof(value))"))

end # module Json

# ---------------------------------------------------------------------------------------------
# What comes back
# ---------------------------------------------------------------------------------------------

"""
Something that jmake or a tool has to say: `severity` (`:error`, `:warning`, `:note`), `file`, `line`
and `column` (each `nothing` where there is none), `message`, and `hint`, the next step where one is
known.  Files are as shown to people: from the project's root where they lie below it.
"""
struct Diagnostic
    severity::Symbol
    file::Union{String,Nothing}
    line::Union{Int,Nothing}
    column::Union{Int,Nothing}
    message::String
    hint::Union{String,Nothing}
end

Base.:(==)(a::Diagnostic, b::Diagnostic) = all(getfield(a, f) == getfield(b, f) for f in fieldnames(Diagnostic))
Base.hash(d::Diagnostic, h::UInt) = foldl((h, f) -> hash(getfield(d, f), h), fieldnames(Diagnostic); init = h)

function Base.show(io::IO, d::Diagnostic)
    for place in (d.file, d.line, d.column)
        place === nothing || print(io, place, ':')
    end
    d.file === nothing || print(io, ' ')
    print(io, d.severity, ": ", d.message)
    d.hint === nothing || print(io, "\n  hint: ", d.hint)
end

"""
What a build gave.  Fields can also be had as `built[:success]`.

| field | |
|---|---|
| `success` | whether everything asked for is there |
| `library_path` | the library, or the first result where there is none; `nothing` when the build failed |
| `results` | everything that was asked for; empty when the build failed |
| `elapsed_time` | seconds, as jmake counts them |
| `compiled`, `fresh`, `restored` | units that were compiled, needed nothing, came from the shared cache |
| `failed` | actions that failed |
| `cancelled` | whether it was interrupted |
| `profile` | the profile; empty when jmake could not begin |
| `diagnostics` | a `Vector` of [`JMake.Diagnostic`](@ref) |
| `output` | everything the tools wrote, without colour |
| `changes` | of a round of `watch`: files that changed, as `(path = …, how = :new, :changed or :gone)` |
| `via` | `:daemon` or `:command` |

Paths are absolute.
"""
struct Built
    success::Bool
    library_path::Union{String,Nothing}
    results::Vector{String}
    elapsed_time::Float64
    compiled::Int
    fresh::Int
    restored::Int
    failed::Int
    cancelled::Bool
    profile::String
    diagnostics::Vector{Diagnostic}
    output::String
    changes::Vector{NamedTuple{(:path, :how),Tuple{String,Symbol}}}
    via::Symbol
end

Base.getindex(built::Built, field::Symbol) = getfield(built, field)
Base.getindex(built::Built, field::AbstractString) = getfield(built, Symbol(field))
Base.keys(::Built) = fieldnames(Built)
Base.haskey(::Built, field) = Symbol(field) in fieldnames(Built)

function Base.show(io::IO, built::Built)
    if built.success
        seconds = round(built.elapsed_time, digits = 3)
        counts = "$(built.compiled) compiled, $(built.fresh) fresh, $(built.restored) restored"
        print(io, "built in $(seconds)s ($counts)")
        built.library_path === nothing || print(io, " → ", built.library_path)
    else
        print(io, built.cancelled ? "interrupted" : "not built")
        for diagnostic in built.diagnostics
            diagnostic.severity == :error && print(io, '\n', diagnostic)
        end
    end
end

"""
jmake could not do what was asked: `message`, `code` (of the protocol, 0 when it is not from there),
and `data`, more of it for programs.  A build that fails is none: see [`JMake.Built`](@ref).
"""
struct Failure <: Exception
    message::String
    code::Int
    data::Any
end
Failure(message) = Failure(message, 0, nothing)

function Base.showerror(io::IO, failure::Failure)
    print(io, "jmake: ", failure.message)
    failure.data isa AbstractDict || return
    for cause in get(failure.data, "causes", ())
        print(io, "\n  caused by: ", cause)
    end
    problem = get(failure.data, "problem", nothing)
    hint = problem isa AbstractDict ? get(problem, "hint", nothing) : nothing
    hint === nothing || print(io, "\n  hint: ", hint)
end

"The daemon is of no use, and why; `again` when another may be."
struct Odd <: Exception
    why::String
    again::Bool
end

# ---------------------------------------------------------------------------------------------
# From messages to what comes back
# ---------------------------------------------------------------------------------------------

"A path as jmake writes it: text, or bytes where it is none."
path_of(path::AbstractString) = String(path)
path_of(bytes::AbstractVector) = String(UInt8[byte for byte in bytes])

"A path as jmake reads it."
wire(path::AbstractString) = isvalid(path) ? String(path) : Vector{Int}(codeunits(path))

text_or_nothing(value) = value === nothing ? nothing : string(value)

diagnostic(d::AbstractDict) = Diagnostic(
    Symbol(get(d, "severity", "error")),
    text_or_nothing(get(d, "file", nothing)),
    get(d, "line", nothing),
    get(d, "column", nothing),
    string(get(d, "message", "")),
    text_or_nothing(get(d, "hint", nothing)),
)

"What `problem` and `causes` of a request that could not be met say."
function diagnostics_of_failure(data::AbstractDict)
    problem = get(data, "problem", Dict{String,Any}("message" => "jmake could not do its work"))
    causes = join((string(": ", cause) for cause in get(data, "causes", ())))
    return [diagnostic(merge(problem, Dict{String,Any}("message" => string(problem["message"], causes))))]
end

"What was heard of one build, or of one round."
mutable struct Heard
    diagnostics::Vector{Diagnostic}
    output::String
    changes::Vector{NamedTuple{(:path, :how),Tuple{String,Symbol}}}
end
Heard() = Heard(Diagnostic[], "", NamedTuple{(:path, :how),Tuple{String,Symbol}}[])

const COLOUR = r"\e(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\a\e]*(?:\a|\e\\))"
const COMPLAINT = r"^([^\s:][^:\n]*):(\d+):(?:(\d+):)? (?:fatal )?(error|warning): (.*)$"m

function hear!(heard::Heard, event::AbstractDict)
    kind = get(event, "event", "")
    if kind == "diagnostic"
        push!(heard.diagnostics, diagnostic(event))
    elseif kind == "finished"
        output = replace(string(get(event, "output", "")), COLOUR => "")
        heard.output *= output
        # What failed is told better in the end.
        get(event, "outcome", "") == "failed" || append!(heard.diagnostics, complaints(output))
    elseif kind == "changed"
        for file in get(event, "files", ())
            change = (path = string(file["path"]), how = Symbol(file["how"]))
            filter!(known -> known.path != change.path, heard.changes)
            push!(heard.changes, change)
        end
    end
end

"What a compiler's own words complain of."
complaints(output) = [
    Diagnostic(
        Symbol(found[4]), found[1], parse(Int, found[2]),
        found[3] === nothing ? nothing : parse(Int, found[3]), found[5], nothing,
    ) for found in eachmatch(COMPLAINT, output)
]

"What is known of the things that failed: complaints of the tools, then causes and next steps."
function diagnostics_of_failures(failures)
    all = Diagnostic[]
    for failure in failures, part in ("diagnostics", "hints")
        append!(all, map(diagnostic, get(failure, part, ())))
    end
    return all
end

is_library(path) = any(ending -> endswith(path, ending), (".so", ".dylib", ".dll"))

"A [`Built`](@ref) from what jmake tells of a build (or a round) in `root`."
function built(root, told::AbstractDict, failures, heard::Heard, via::Symbol)
    success = get(told, "success", false) === true
    results = success ? String[joinpath(root, path_of(result)) for result in get(told, "results", ())] : String[]
    library = findfirst(is_library, results)
    diagnostics = diagnostics_of_failures(failures)
    append!(diagnostics, heard.diagnostics)
    append!(diagnostics, map(diagnostic, get(told, "problems", ())))
    haskey(told, "problem") && append!(diagnostics, diagnostics_of_failure(told))
    count(name) = Int(get(told, name, 0))
    return Built(
        success,
        library !== nothing ? results[library] : isempty(results) ? nothing : results[1],
        results,
        Float64(get(told, "elapsed", 0.0)),
        count("compiled"), count("fresh"), count("restored"), count("failed"),
        get(told, "cancelled", false) === true,
        string(get(told, "profile", "")),
        unique(diagnostics),
        heard.output,
        heard.changes,
        via,
    )
end

"A [`Built`](@ref) of a build that could not begin."
not_built(data::AbstractDict, heard::Heard, via) =
    built("", merge(Dict{String,Any}("cancelled" => get(data, "interrupted", false)), data, Dict{String,Any}("success" => false)), (), heard, via)
not_built(message::AbstractString, heard::Heard, via) =
    not_built(Dict{String,Any}("problem" => Dict{String,Any}("message" => message)), heard, via)

# ---------------------------------------------------------------------------------------------
# The command
# ---------------------------------------------------------------------------------------------

"The program `jmake`.  Throws a [`Failure`](@ref) that says how to get it."
function program()
    named = get(ENV, "JMAKE", "")
    found = Sys.which(isempty(named) ? "jmake" : named)
    if found === nothing && isempty(named)
        # Where cargo installs, which is not on the `PATH` of every desktop.
        found = Sys.which(joinpath(homedir(), ".cargo", "bin", "jmake"))
    end
    found === nothing || return found
    what = isempty(named) ? "the program `jmake` is not on the `PATH`" : "`JMAKE` names `$named`, which is no program"
    throw(Failure(
        "$what\n  hint: install it with `cargo install --path jmake-cli` in the folder of jmake's source, or set `ENV[\"JMAKE\"]` to where it is",
    ))
end

"""
Runs the command with `arguments` and calls `on_line` for each line it prints, until that says
`false`.  Gives the exit code and what came on standard error.
"""
function command(on_line, arguments)
    jmake = program()
    # A file, for a pipe would need a task that reads: see `Line`.
    return mktemp() do path, errors
        output = Pipe()
        process = run(pipeline(Cmd([jmake; arguments]), stdin = devnull, stdout = output, stderr = errors), wait = false)
        close(output.in)
        whole = false
        try
            whole = all(line -> on_line(line) !== false, eachline(output))
        finally
            # Nobody wants its answer any more.  It ends its compilers before itself.
            whole || (process_running(process) && kill(process, Base.SIGINT))
            close(output)
            wait(process)
        end
        process.exitcode, read(path, String)
    end
end

"The one document that the command prints for `arguments`; `nothing` when it is none."
function document(arguments)
    text = IOBuffer()
    _, said = command(line -> (println(text, line); true), arguments)
    value = try
        Json.read(String(take!(text)))
    catch e
        e isa Json.Malformed || rethrow()
        nothing
    end
    return value, said
end

"The same, for verbs that must answer: what could not be met is thrown."
function answer_of_command(arguments)
    value, said = document(arguments)
    value === nothing && throw(Failure(last_words(said)))
    if value isa AbstractDict && get(value, "event", "") == "summary"
        throw(Failure(string(value["problem"]["message"]), 0, value))
    end
    return value
end

function last_words(said)
    words = strip(replace(said, COLOUR => ""))
    return isempty(words) ? "the command ended without a word" : String(replace(words, r"^error: " => ""))
end

"Builds by the command."
function build_by_command(path, flags, on_event)
    heard, summary = Heard(), nothing
    arguments = ["build"; "--message-format"; "json"; "--color"; "never"; flags; path]
    _, said = command(arguments) do line
        event = event_of(line)
        if event !== nothing
            get(event, "event", "") == "summary" ? (summary = event) : (hear!(heard, event); on_event(event))
        end
        true
    end
    summary === nothing && return not_built(last_words(said), heard, :command)
    haskey(summary, "problem") && return not_built(summary, heard, :command)
    return built(root_of(path), summary, get(summary, "failures", ()), heard, :command)
end

function event_of(line)
    value = try
        Json.read(line)
    catch e
        e isa Json.Malformed || rethrow()
        nothing
    end
    return value isa AbstractDict ? value : nothing
end

# ---------------------------------------------------------------------------------------------
# The daemon
# ---------------------------------------------------------------------------------------------

"The version of the protocol."
const PROTOCOL = 1
"The most bytes a line may have."
const LIMIT = 16 << 20
"How long, in seconds, a daemon may take to say who it is."
const HELLO = 0.5
"How long it may say nothing while it works: it gives a sign of life three times as often."
const SILENCE = 1.5
"How long something that has come already may take to be seen, after Julia was busy otherwise."
const GRACE = 0.25

"The root of the project that `path` belongs to, without links; `path` itself when it is no folder."
function root_of(path)
    start = isdir(path) ? realpath(path) : return path
    folder = start
    while true
        any(name -> isfile(joinpath(folder, name)), ("jmake.toml", ".jmake_project")) && return folder
        parent = dirname(folder)
        parent == folder && return start
        folder = parent
    end
end

"What a request tells of this process's surroundings."
function environment()
    variable(name) = get(ENV, name, "")
    path(name) = isempty(variable(name)) ? nothing : wire(variable(name))
    return Dict{String,Any}(
        "path" => isempty(variable("PATH")) ? [] : [wire(String(folder)) for folder in split(variable("PATH"), ':')],
        "pkg_config_path" => path("PKG_CONFIG_PATH"),
        "home" => path("HOME"),
        "cache_home" => path("XDG_CACHE_HOME"),
        "config_home" => path("XDG_CONFIG_HOME"),
        "makeflags" => isvalid(variable("MAKEFLAGS")) ? variable("MAKEFLAGS") : "",
    )
end

"Whether this process's environment speaks against a daemon, as it does for the command."
function is_off()
    mode = lowercase(get(ENV, "JMAKE_DAEMON", ""))
    mode == "off" && return true
    mode == "on" || isempty(get(ENV, "CI", "")) || return true
    # A `make` above whose permissions only its own children see.
    flags = split(get(ENV, "MAKEFLAGS", ""))
    named = findlast(flag -> occursin(r"^--jobserver-(auth|fds)=", flag), flags)
    return named !== nothing && !occursin("=fifo:", flags[named])
end

"The umask of this process."
function umask()
    if Sys.islinux()
        # Reading it by setting it would be felt by other threads.
        for line in eachline("/proc/self/status")
            startswith(line, "Umask:") && return parse(Int, strip(line[7:end]), base = 8)
        end
    end
    mask = ccall(:umask, Cuint, (Cuint,), 0o022)
    ccall(:umask, Cuint, (Cuint,), mask)
    return Int(mask & 0o777)
end

# Where each project's daemon is met, as the command told.
const PLACES = Dict{Any,String}()
const PLACES_LOCK = ReentrantLock()

# When one of these is another, the command is asked again.
function place_key(root)
    identity(path) = (s = stat(path); (s.inode, s.size, s.mtime))
    surroundings = (get(ENV, name, "") for name in ("XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "HOME"))
    jmake = program()
    return (root, jmake, identity(jmake), identity(joinpath(root, "jmake.toml")), surroundings...)
end

"""
The socket of the daemon of `root`, and whether it was known already; where there is no daemon, one
is started if `start` says so.  Throws [`Odd`](@ref) when there is none.
"""
function place(root, start::Bool)
    key = place_key(root)
    known = lock(() -> get(PLACES, key, nothing), PLACES_LOCK)
    known === nothing || return known, true
    told, _ = document(["status", "--json", root])
    told isa AbstractDict || throw(Odd("the command does not say where the daemon is", false))
    get(told, "off", nothing) === nothing || throw(Odd(told["off"], false))
    socket = get(told, "socket", nothing)
    if socket === nothing && start
        started, _ = document(["daemon", "start", "--json", root])
        socket = started isa AbstractDict ? get(started, "socket", nothing) : nothing
    end
    socket isa String || throw(Odd("there is no daemon", false))
    lock(() -> PLACES[key] = socket, PLACES_LOCK)
    return socket, false
end

forget(root) = (key = place_key(root); lock(() -> delete!(PLACES, key), PLACES_LOCK))

"""
A connection: a task reads, so that whoever waits for a line can stop waiting.

There is no other task.  An interrupt meets whichever task was the last one to do something, and it
is meant for whoever waits.
"""
mutable struct Line
    socket::Base.PipeEndpoint
    came::Vector{String}
    ended::Bool
    # Of whoever waits; closing it ends the wait.
    timer::Union{Timer,Nothing}
end

function Line(path::AbstractString)
    socket = try
        connect(path)
    catch e
        e isa InterruptException && rethrow()
        throw(Odd("cannot connect to `$path`", true))
    end
    line = Line(socket, String[], false, nothing)
    @async try
        pump(line)
    catch
        # The connection is gone: that is an end like any other.
    finally
        line.ended = true
        wake(line)
    end
    return line
end

wake(line::Line) = line.timer === nothing || close(line.timer)

function pump(line::Line)
    rest, looked = UInt8[], 0
    while true
        bytes = readavailable(line.socket)
        isempty(bytes) && return
        append!(rest, bytes)
        while true
            stop = findnext(isequal(UInt8('\n')), rest, looked + 1)
            if stop === nothing
                looked = length(rest)
                break
            end
            push!(line.came, String(rest[1:stop-1]))
            deleteat!(rest, 1:stop)
            looked = 0
        end
        length(rest) > LIMIT && return
        isempty(line.came) || wake(line)
    end
end

"Says `messages`."
function say(line::Line, messages...)
    text = join((Json.write(message) * "\n" for message in messages))
    say_now() = try
        write(line.socket, text)
    catch e
        # The reading side notices.
        e isa InterruptException && rethrow()
    end
    # What the system takes at once needs no task; whoever reads nothing must not hold up this one.
    sizeof(text) <= 1 << 16 ? say_now() : @async say_now()
end

"The next message, if one comes within `patience` seconds.  Throws [`Odd`](@ref) when none does."
function hear(line::Line, patience)
    for seconds in (patience, GRACE)
        isempty(line.came) && !line.ended && wait_for_more(line, seconds)
        isempty(line.came) || return message_of(popfirst!(line.came))
        line.ended && throw(Odd("the daemon has ended the connection", true))
    end
    throw(Odd("the daemon does not answer", false))
end

function wait_for_more(line::Line, seconds)
    line.timer = Timer(seconds)
    try
        wait(line.timer)
    catch e
        e isa EOFError || rethrow()
    finally
        close(line.timer)
        line.timer = nothing
    end
end

function message_of(line)
    message = event_of(line)
    message === nothing && throw(Odd("the daemon speaks in riddles", false))
    return message
end

"""
Calls `method` of the daemon at `socket` and gives its result; `on_event` hears what happens
meanwhile and ends it with `false`, which gives `nothing`.  Whatever ends this early ends the
request too: it lives as long as its connection.
"""
function converse(on_event, socket, root, method, params)
    line = Line(socket)
    try
        hello = Dict("protocol" => PROTOCOL, "root" => wire(root), "umask" => umask())
        request(id, method, params) = Dict("jsonrpc" => "2.0", "id" => id, "method" => method, "params" => params)
        say(line, request(0, "hello", hello), request(1, method, params))
        welcome = answer(line, 0)
        get(welcome, "protocol", 0) == PROTOCOL || throw(Odd("the daemon is not the one that was asked for", false))
        while true
            message = hear(line, SILENCE)
            if get(message, "id", nothing) == 1
                haskey(message, "result") && return message["result"]
                refuse(get(message, "error", nothing))
            elseif get(message, "method", "") == "event"
                event = get(get(message, "params", Dict()), "event", nothing)
                event isa AbstractDict && on_event(event) === false && return nothing
            end
        end
    finally
        close(line.socket)
    end
end

function answer(line::Line, id)
    until = time() + HELLO
    while true
        message = hear(line, max(until - time(), 0.001))
        get(message, "id", id) == id || continue
        get(message, "result", nothing) isa AbstractDict && return message["result"]
        haskey(message, "error") && refuse(message["error"])
    end
end

const UNFIT, ENDING = -32001, -32002
const BAD_PARAMS, UNMET = -32602, -32000

function refuse(error)
    error isa AbstractDict || throw(Odd("the daemon speaks in riddles", false))
    code, message = get(error, "code", 0), string(get(error, "message", ""))
    # Another one may be at that place by now, or can be started.
    code in (UNFIT, ENDING) && throw(Odd(message, true))
    throw(Failure(message, code, get(error, "data", nothing)))
end

"""
Calls `method` of the daemon of `root`.  Throws [`Odd`](@ref) when there is none that can be used,
and [`Failure`](@ref) when it says no.
"""
function ask(on_event, root, method, params; start::Bool)
    is_off() && throw(Odd("the daemon is switched off", false))
    isdir(root) || throw(Odd("`$root` is no folder", false))
    params = merge(Dict{String,Any}("environment" => environment()), Dict{String,Any}(string(k) => v for (k, v) in pairs(params)))
    for again in (true, false)
        socket, known = place(root, start)
        try
            return converse(on_event, socket, root, method, params)
        catch e
            e isa Odd || rethrow()
            forget(root)
            # The one that was known may have ended long ago.
            (again && e.again) || rethrow()
        end
    end
end

# ---------------------------------------------------------------------------------------------
# What can be asked
# ---------------------------------------------------------------------------------------------

nothing_heard(_) = true

"""
    JMake.build(path = "."; profile, lto, targets, jobs, force, keep_going, on_event) -> JMake.Built

Builds the project that the folder `path` belongs to, through its daemon, which is started if need
be, or by the command.

| keyword | |
|---|---|
| `profile` | the profile, such as `"dev"` |
| `lto` | optimisation across units: `"off"`, `"thin"` or `"full"` |
| `targets` | only these targets |
| `jobs` | how many processes may run at once |
| `force` | run every action, whatever is recorded |
| `keep_going` | go on with what does not need a failed action |
| `on_event` | hears what happens meanwhile, as dictionaries: the events of jmake's `docs/cli.md` |

A build that fails throws nothing: `success` is `false` and `diagnostics` say why.  Throws a
[`JMake.Failure`](@ref) only where there is no jmake.  An `InterruptException` ends the compilers.

```julia
built = JMake.build("game"; profile = "dev")
built.success ? println(built.library_path) : foreach(println, built.diagnostics)
```
"""
function build(
    path::AbstractString = ".";
    profile = nothing, lto = nothing, targets = String[], jobs = nothing,
    force::Bool = false, keep_going::Bool = false, on_event = nothing_heard,
)
    path = abspath(path)
    params = wanted(profile, lto, targets, jobs, force, keep_going)
    program()
    return either(
        () -> build_by_daemon(path, on_event, params),
        () -> build_by_command(path, flags_of(params), on_event),
    )
end

"What is asked of a build, as the daemon takes it."
wanted(profile, lto, targets, jobs, force, keep_going) = Dict{String,Any}(
    "profile" => text_or_nothing(profile), "lto" => text_or_nothing(lto),
    "targets" => String[string(target) for target in (targets isa Union{AbstractString,Symbol} ? (targets,) : targets)],
    "jobs" => jobs, "force_compile" => force, "keep_going" => keep_going,
)

"The same, as it is typed."
function flags_of(params)
    flags = String[]
    for (flag, name) in ("--profile" => "profile", "--lto" => "lto", "-j" => "jobs")
        params[name] === nothing || append!(flags, [flag, string(params[name])])
    end
    foreach(target -> append!(flags, ["--target", target]), params["targets"])
    params["force_compile"] && push!(flags, "--force")
    params["keep_going"] && push!(flags, "--keep-going")
    return flags
end

"What `by_daemon` gives; where there is none that can be used, what `by_command` gives."
function either(by_daemon, by_command)
    try
        return by_daemon()
    catch e
        e isa Odd || rethrow()
        @debug "jmake: without the daemon" e.why
    end
    return by_command()
end

function build_by_daemon(path, on_event, params)
    root, heard = root_of(path), Heard()
    reply = try
        ask(root, "orchestrator.build_project", params; start = true) do event
            hear!(heard, event)
            on_event(event)
            true
        end
    catch e
        e isa Failure || rethrow()
        e.code == UNMET && e.data isa AbstractDict && return not_built(e.data, heard, :daemon)
        e.code == BAD_PARAMS && return not_built(e.message, heard, :daemon)
        throw(Odd(e.message, false))
    end
    told = reply isa AbstractDict ? get(reply, "built", nothing) : nothing
    told isa AbstractDict || throw(Odd("the daemon speaks in riddles", false))
    return built(root, told, get(told, "failures", ()), heard, :daemon)
end

"""
    JMake.watch(on_round, path = "."; profile, lto, targets, jobs, force, keep_going, on_event) -> JMake.Built

Builds, and again whenever something changes, and calls `on_round` with what each round gave, a
[`JMake.Built`](@ref).  Ends when that returns `false`, or with an `InterruptException` (Ctrl-C in
the REPL; a script must first call `Base.exit_on_sigint(false)`); gives the last round, or `nothing`
when there was none.  Without `on_round` each round is shown.

The keywords are those of [`JMake.build`](@ref) and hold for every round, but `force`: only the first
round runs what has not changed.

```julia
JMake.watch("game") do built
    built.success && reload(built.library_path)
end
```
"""
function watch(
    on_round, path::AbstractString = ".";
    profile = nothing, lto = nothing, targets = String[], jobs = nothing,
    force::Bool = false, keep_going::Bool = false, on_event = nothing_heard,
)
    path = abspath(path)
    params = wanted(profile, lto, targets, jobs, force, keep_going)
    program()
    isdir(path) || throw(Failure("cannot open the folder `$path`"))
    watching = Watching(root_of(path), on_round, on_event, Heard(), nothing, 0, :daemon)
    try
        while true
            before = watching.rounds
            try
                watch_by_daemon(watching, params)
                break
            catch e
                e isa Odd || rethrow()
                watching.rounds > 0 && (params["force_compile"] = false)
                # One that has worked until now is worth another.
                e.again && watching.rounds > before && continue
                @debug "jmake: without the daemon" e.why
                watch_by_command(watching, flags_of(params))
                break
            end
        end
    catch e
        e isa InterruptException || rethrow()
    end
    return watching.last
end
watch(path::AbstractString = "."; keywords...) = watch(show_round, path; keywords...)

function show_round(built::Built)
    foreach(change -> println("[", change.how, "] ", change.path), built.changes)
    println(built)
end

mutable struct Watching
    root::String
    on_round::Any
    on_event::Any
    heard::Heard
    last::Union{Built,Nothing}
    rounds::Int
    via::Symbol
end

# `false` ends it.
function happened(watching::Watching, event)
    kind = get(event, "event", "")
    if kind == "changed"
        # A round was given up for another: what changed counts, what came of it does not.
        watching.heard = Heard(Diagnostic[], "", watching.heard.changes)
    end
    hear!(watching.heard, event)
    watching.on_event(event)
    kind == "round" || return true
    failures = get(event, "failed", 0) == 0 ? () : explained(watching.root)
    watching.last = built(watching.root, event, failures, watching.heard, watching.via)
    watching.heard = Heard()
    watching.rounds += 1
    return watching.on_round(watching.last) !== false
end

"What is known of the things that failed in the last build."
function explained(root)
    told, _ = document(["-C", root, "explain", "--json"])
    actions = told isa AbstractDict ? get(told, "actions", ()) : ()
    return [action["failure"] for action in actions if get(action, "failure", nothing) !== nothing]
end

function watch_by_daemon(watching::Watching, params)
    watching.via = :daemon
    try
        ask(event -> happened(watching, event), watching.root, "orchestrator.watch_and_build", params; start = true)
    catch e
        e isa Failure && !(e.code in (UNMET, BAD_PARAMS)) && throw(Odd(e.message, false))
        rethrow()
    end
end

function watch_by_command(watching::Watching, flags)
    watching.via = :command
    ended = false
    _, said = command(["watch"; "--message-format"; "json"; "--color"; "never"; flags; watching.root]) do line
        event = event_of(line)
        event === nothing && return true
        if get(event, "event", "") == "summary" && haskey(event, "problem")
            throw(Failure(string(event["problem"]["message"]), 0, event))
        end
        ended = !happened(watching, event)
        return !ended
    end
    ended || watching.rounds > 0 || throw(Failure(last_words(said)))
end

"""
    JMake.stats(path = ".") -> Dict

What is recorded of the project (`actions`, `files`, `state_bytes`, `published`), the shared cache
(`shared`), and by service what it keeps and how often that was of use (`services`): the reply of
`orchestrator.get_stats` in jmake's `docs/services.md`.  `warm` is `nothing` unless a daemon is
running; none is started for this.  Throws a [`JMake.Failure`](@ref) when the project cannot be read.
"""
function stats(path::AbstractString = ".")
    root = root_of(abspath(path))
    return either(
        () -> query(root, "orchestrator.get_stats"; start = false),
        () -> stats_of_command(answer_of_command(["-C", root, "stats", "--json"])),
    )
end

"The reply of a method that is a question; what is no answer is [`Odd`](@ref)."
function query(root, method; start)
    try
        return ask(nothing_heard, root, method, Dict{String,Any}(); start = start)
    catch e
        e isa Failure && e.code != UNMET && throw(Odd(e.message, false))
        rethrow()
    end
end

"What `jmake stats` tells, in the form that the service replies."
function stats_of_command(told)
    services = Dict{String,Any}(name => Dict{String,Any}() for name in ("discovery", "setup", "compilation"))
    for row in get(told, "caches", ())
        caches = get!(() -> Dict{String,Any}(), services, row["service"])
        caches[row["cache"]] = Dict{String,Any}(
            name => get(row, name, nothing) for name in ("entries", "bytes", "since_start", "last_build")
        )
    end
    reply = Dict{String,Any}(name => told[name] for name in ("root", "actions", "files", "state_bytes", "published"))
    return merge!(reply, Dict{String,Any}(
        "shared" => get(told, "cache", nothing), "services" => services, "warm" => get(told, "warm", nothing),
    ))
end

"""
    JMake.status(path = ".") -> Dict

How the project's daemon is: `root`, `daemon` (`nothing` when none is running, which this does not
change), `trouble`, `off`, `last_without`, `died`, `socket` and `log`, as `jmake status --json` tells;
and where one is running `all_running` and `services`, how each service is.  Throws a
[`JMake.Failure`](@ref) when `path` is no folder.
"""
function status(path::AbstractString = ".")
    root = root_of(abspath(path))
    told = answer_of_command(["status", "--json", root])
    get(told, "daemon", nothing) === nothing && return told
    return either(
        () -> merge(query(root, "orchestrator.check_daemons"; start = false), told),
        () -> told,
    )
end

"""
    JMake.call(path, method, params = Dict(); on_event) -> value

Calls any `method` of the services, such as `"discovery.scan_files"`: all are in jmake's
`docs/services.md`.  Objects come back as `Dict{String,Any}`, lists as `Vector{Any}`, `null` as
`nothing`.  Throws a [`JMake.Failure`](@ref) when the method cannot do what is asked, and when there
is no daemon to ask: the command has no verb for this.

```julia
JMake.call("game", "discovery.scan_files", Dict("force" => true))["files"]["cpp_sources"]
```
"""
function call(path::AbstractString, method::AbstractString, params = Dict{String,Any}(); on_event = nothing_heard)
    root = root_of(abspath(path))
    program()
    try
        return ask(event -> (on_event(event); true), root, method, params; start = true)
    catch e
        e isa Odd || rethrow()
        throw(Failure("`$method` needs the daemon: $(e.why)\n  hint: `jmake status` tells more"))
    end
end

end # module JMake
