# What JMake.jl promises, with the real `jmake` (named by `JMAKE`) and a real compiler.
#
#     JMAKE=target/debug/jmake julia integrations/julia/test/runtests.jl
#
# Everything happens in a temporary folder; `HOME` and `XDG_RUNTIME_DIR` must be the test's own, as
# `jmake-cli/tests/julia.rs` makes them.

using Test, Libdl, Sockets

include(joinpath(@__DIR__, "..", "JMake.jl"))
using .JMake: Json

const WORK = realpath(mktempdir())
const ON = "JMAKE_DAEMON" => "on"
const OFF = "JMAKE_DAEMON" => "off"
delete!(ENV, "CI")
# What hangs must not hang whoever waits for this.
const WATCHDOG = Timer(_ -> (println(stderr, "this takes too long"); exit(3)), 600)

"""
A project with two units; `add` gives `a + b`, and what it is edited to add.  No two are equal, so
that none finds its units in the shared cache.
"""
function project(name)
    root = mkpath(joinpath(WORK, name))
    mkpath(joinpath(root, "src"))
    edit(root, 0)
    global projects += 1
    unit = "int add(int, int);\nint twice(int a) { return add(a, a); }\nint project = $projects;\n"
    write(joinpath(root, "src", "twice.c"), unit)
    write(joinpath(root, "jmake.toml"), "[project]\nname = \"game\"\n")
    return root
end
projects = 0
edit(root, more) = write_add(root, "return a + b + $more;")
write_add(root, body) =
    write(joinpath(root, "src", "add.c"), "int add(int a, int b) { $body }\nconst char *root = $(repr(relpath(root, WORK)));\n")
jmake(arguments...) = run(pipeline(`$(ENV["JMAKE"]) $arguments`, stdout = devnull, stderr = devnull))

"What `function` of the library gives; a copy, for a library that is loaded stays what it was."
function result_of(library, name, arguments::Int...)
    copy = joinpath(mktempdir(WORK), basename(library))
    cp(library, copy)
    handle = dlopen(copy)
    try
        f = dlsym(handle, name)
        length(arguments) == 1 && return Int(ccall(f, Cint, (Cint,), arguments[1]))
        return Int(ccall(f, Cint, (Cint, Cint), arguments[1], arguments[2]))
    finally
        dlclose(handle)
    end
end

"Waits for `condition`; an error when it takes too long."
function wait_for(condition, what)
    until = time() + 60
    while !condition()
        time() < until || error("waited too long for $what")
        sleep(0.01)
    end
end

@testset "JMake" begin

@testset "JSON in" begin
    for (text, value) in (
        "null" => nothing, " true " => true, "false" => false,
        "0" => 0, "-0" => 0, "-12" => -12, "9223372036854775807" => typemax(Int64),
        "18446744073709551615" => big"18446744073709551615",
        "1.5" => 1.5, "-1e3" => -1000.0, "1E+2" => 100.0, "25e-1" => 2.5,
        "\"\"" => "", "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"" => "a\"\\/\b\f\n\r\t",
        "\"\\u00e9\\u20ac\\uD83D\\uDE00\"" => "é€😀", "\"é€😀\"" => "é€😀",
        "\"\\ud83d\"" => "\ufffd", "\"\\ude00x\"" => "\ufffdx", "\"\\ud83d\\u0041\"" => "\ufffdA", "\"\\u0000\"" => "\0",
        "[]" => [], "[ 1 , [ ] , {} ]" => Any[1, Any[], Dict()],
        "{}" => Dict(), "\t{\"a\" :\r\n{\"b\": [null, 2]}}" => Dict("a" => Dict("b" => Any[nothing, 2])),
        "[" ^ 500 * "]" ^ 500 => foldl((inner, _) -> Any[inner], 1:499; init = Any[]),
    )
        read = Json.read(text)
        @test read == value && (read isa Dict || typeof(read) == typeof(value) || value isa Vector)
    end
    for text in (
        "", " ", "nul", "truely", "01", "-", "1.", ".5", "1e", "+1", "NaN", "Infinity", "'a'", "\"", "\"\\", "\"\\x\"",
        "\"\\u12\"", "\"\\u12g4\"", "\"\n\"", "\"\xff\"", "[", "[1", "[1,]", "[1 2]", "{", "{1:2}", "{\"a\"}", "{\"a\":}",
        "{\"a\":1,}", "{\"a\":1", "]", "1 2", "[" ^ 100_000, "\0",
    )
        @test_throws Json.Malformed Json.read(text)
    end
end

@testset "JSON out" begin
    for value in (
        nothing, true, 0, -5, typemax(Int64), big"2"^70, 1.5, 1e300, -2.5e-8, "", "a\"\\\n\t\x01\x7f é€😀\u2028",
        Any[], Any[1, "x", Any[nothing]], Dict{String,Any}("a" => Any[1.0], "" => Dict{String,Any}()),
    )
        text = Json.write(value)
        @test !occursin('\n', text)
        @test isequal(Json.read(text), value)
    end
    @test Json.write((a = 1, b = (2, :c))) == "{\"a\":1,\"b\":[2,\"c\"]}"
    @test Json.write([missing, UInt8(255)]) == "[null,255]"
    for value in (NaN, Inf, "\xff", sin)
        @test_throws ArgumentError Json.write(value)
    end
end

@testset "paths" begin
    @test JMake.wire("/é") == "/é"
    @test JMake.wire("/\xff") == [0x2f, 0xff]
    @test JMake.path_of(Any[0x2f, 0xff]) == "/\xff"
    root = project("paths")
    @test JMake.root_of(joinpath(root, "src")) == root
    symlink(root, joinpath(WORK, "link"))
    @test JMake.root_of(joinpath(WORK, "link", "src")) == root
    @test JMake.root_of("/nowhere at all") == "/nowhere at all"
end

# The same story with and without a daemon.
for (mode, via) in (ON => :daemon, OFF => :command), name in ("game $(via)", "мой проект “$(via)”/ü 1")
    @testset "build, $via, $name" begin
        withenv(mode) do
            root = project(name)
            events = []
            built = JMake.build(root; on_event = event -> push!(events, event["event"]))
            @test built.success && built.via == via
            @test built[:success] && built["library_path"] == built.library_path
            @test built.library_path == joinpath(root, "julia", "libgame.so") && isfile(built.library_path)
            @test built.results == [built.library_path]
            @test (built.compiled, built.fresh, built.restored, built.failed) == (2, 0, 0, 0)
            @test built.elapsed_time > 0 && built.profile == "release" && !built.cancelled
            @test count(isequal("finished"), events) == 3 && "published" in events
            @test occursin("2 compiled", string(built))
            @test result_of(built.library_path, :add, 1, 2) == 3

            again = JMake.build(joinpath(root, "src"))
            @test again.success && again.via == via && (again.compiled, again.fresh) == (0, 2)
            @test again.library_path == built.library_path

            edit(root, 10)
            edited = JMake.build(root)
            @test (edited.compiled, edited.fresh) == (1, 1) && edited.via == via
            @test result_of(edited.library_path, :add, 1, 2) == 13
            @test result_of(edited.library_path, :twice, 4) == 18

            write_add(root, "return a + c;")
            broken = JMake.build(root)
            @test !broken.success && broken.via == via && broken.failed == 1 && !broken.cancelled
            @test broken.library_path === nothing && isempty(broken.results)
            found = filter(d -> d.severity == :error && d.file == "src/add.c", broken.diagnostics)
            @test length(found) == 1 && (found[1].line, found[1].column) == (1, 36)
            @test occursin("'c'", found[1].message)
            @test occursin("undeclared identifier 'c'", broken.output) && !occursin('\e', broken.output)
            @test occursin("src/add.c:1:36: error: ", string(broken))

            # A warning is told with the build that it comes with, and as long as it stands.
            write_add(root, "1; return a + b;")
            for _ in 1:2
                warned = JMake.build(root)
                @test warned.success
                found = filter(d -> d.severity == :warning, warned.diagnostics)
                @test length(found) == 1 && (found[1].file, found[1].line) == ("src/add.c", 1)
            end

            dev = JMake.build(root; profile = "dev", lto = :off, jobs = 1, keep_going = true, targets = "game")
            @test dev.success && dev.profile == "dev" && dev.compiled == 2 && dev.via == via
            forced = JMake.build(root; force = true)
            @test forced.success && forced.compiled == 2 && forced.profile == "release"
        end
    end
end

@testset "in the working directory, as a package" begin
    root = project("here")
    code = """
        push!(LOAD_PATH, $(repr(joinpath(@__DIR__, ".."))))
        using JMake
        built = JMake.build()
        print(built.success, ' ', built.library_path)
        """
    said = read(Cmd(`$(Base.julia_cmd()) --startup-file=no -e $code`, dir = root), String)
    @test said == "true $(joinpath(root, "julia", "libgame.so"))"
end

@testset "what cannot be built" begin
    for mode in (ON, OFF)
        withenv(mode) do
            missing_folder = JMake.build(joinpath(WORK, "not there"))
            @test !missing_folder.success && missing_folder.library_path === nothing
            @test occursin("not there", missing_folder.diagnostics[1].message)
            file = joinpath(WORK, "file")
            write(file, "")
            @test !JMake.build(file).success
            empty = JMake.build(mkpath(joinpath(WORK, "empty")))
            @test !empty.success && empty.diagnostics[1].severity == :error
            root = project("settings $mode"[1:9])
            @test !JMake.build(root; profile = "no such").success
            odd = JMake.build(root; lto = "sideways")
            @test !odd.success && occursin("sideways", odd.diagnostics[1].message)
            write(joinpath(root, "jmake.toml"), "[project\n")
            unreadable = JMake.build(root)
            @test !unreadable.success && any(d -> d.file == "jmake.toml", unreadable.diagnostics)
            @test_throws JMake.Failure JMake.stats(joinpath(WORK, "not there"))
            @test_throws JMake.Failure JMake.status(joinpath(WORK, "not there"))
            @test_throws JMake.Failure JMake.watch(_ -> false, joinpath(WORK, "not there"))
        end
    end
    withenv("JMAKE_DAEMON" => "perhaps") do
        odd = JMake.build(project("perhaps"))
        @test !odd.success && occursin("JMAKE_DAEMON", odd.diagnostics[1].message)
    end
    failure = Dict("problem" => Dict("message" => "no", "hint" => "do"), "causes" => ["this"])
    @test sprint(showerror, JMake.Failure("no", -32000, failure)) == "jmake: no\n  caused by: this\n  hint: do"
end

@testset "no jmake" begin
    withenv("JMAKE" => nothing, "PATH" => "/nowhere") do
        for f in (JMake.build, JMake.watch, JMake.stats, JMake.status, path -> JMake.call(path, "orchestrator.get_stats"))
            failure = try f(project("none")) catch e e end
            @test failure isa JMake.Failure
            @test occursin("cargo install", sprint(showerror, failure))
        end
    end
    withenv("JMAKE" => "/nowhere/jmake") do
        @test_throws JMake.Failure JMake.build(project("none"))
    end
end

@testset "stats and status" begin
    root = project("stats")
    @test JMake.status(root)["daemon"] === nothing
    without = withenv(() -> (JMake.build(root); JMake.stats(root)), OFF)
    @test JMake.status(root)["daemon"] === nothing
    with = withenv(() -> (JMake.build(root); JMake.stats(root)), ON)
    for stats in (without, with)
        @test stats["root"] == root && stats["actions"] == 3 && stats["published"] == ["julia/libgame.so"]
        @test stats["shared"]["blobs"] > 0
        @test sort!(collect(keys(stats["services"]))) == ["compilation", "discovery", "setup"]
        @test stats["services"]["compilation"]["libraries"]["entries"] == 1
    end
    @test keys(with) == keys(without)
    @test Set(keys(with["services"]["discovery"])) == Set(keys(without["services"]["discovery"]))
    @test without["warm"] === nothing && with["warm"]["builds"] >= 1
    status = JMake.status(root)
    @test status["root"] == root && status["daemon"]["builds"] >= 0 && ispath(status["socket"])
    @test status["all_running"] && status["services"]["orchestrator"]["running"]
    withenv(OFF) do
        status = JMake.status(root)
        @test status["off"] == "`JMAKE_DAEMON` is `off`" && status["daemon"]["pid"] > 0 && !haskey(status, "services")
    end
end

@testset "call" begin
    root = project("call")
    withenv(ON) do
        found = JMake.call(root, "discovery.scan_files", Dict("force" => true))
        @test found["files"]["c_sources"] == ["src/add.c", "src/twice.c"]
        @test JMake.call(root, "discovery.scan_files", (force = false,))["total"] == found["total"]
        heard = []
        reply = JMake.call(root, "orchestrator.incremental_build"; on_event = event -> (push!(heard, event); false))
        @test reply["success"] && reply["library_path"] == joinpath(root, "julia", "libgame.so") && length(heard) > 3
        @test JMake.call(root, "setup.get_config_section", Dict(:section => "project"))["data"] == Dict("name" => "game")
        for (method, params, code) in (
            ("no.such", Dict(), -32601),
            ("discovery.scan_files", Dict("force" => 3), -32602),
            ("discovery.get_tool", Dict("tool_name" => "hammer"), -32000),
        )
            failure = try JMake.call(root, method, params) catch e e end
            @test failure isa JMake.Failure && failure.code == code && !isempty(failure.message)
        end
    end
    withenv(OFF) do
        failure = try JMake.call(root, "orchestrator.get_stats") catch e e end
        @test failure isa JMake.Failure && occursin("switched off", failure.message)
    end
    for variables in (("CI" => "1",), ("CI" => "1", "JMAKE_DAEMON" => "auto"), ("MAKEFLAGS" => " -j2 --jobserver-auth=3,4", ON))
        withenv(variables...) do
            @test JMake.build(root).via == :command
        end
    end
    withenv(() -> (@test JMake.build(root).via == :daemon), "CI" => "1", ON)
    write(joinpath(root, "jmake.toml"), "[project]\nname = \"game\"\n[daemon]\nenabled = false\n")
    withenv(() -> (@test JMake.build(root).via == :command), "JMAKE_DAEMON" => nothing)
end

@testset "the environment is that of each call" begin
    root = project("environment")
    withenv(ON) do
        first = JMake.call(root, "discovery.get_all_tools")
        none = withenv(() -> JMake.environment(), "PATH" => "", "MAKEFLAGS" => "\xff", "HOME" => "/\xff")
        @test none["path"] == [] && none["makeflags"] == "" && none["home"] == [0x2f, 0xff]
        elsewhere = mkpath(joinpath(WORK, "another cache"))
        withenv("XDG_CACHE_HOME" => elsewhere) do
            @test JMake.stats(root)["shared"]["dir"] == joinpath(elsewhere, "jmake", "v1")
        end
        @test JMake.call(root, "discovery.get_all_tools")["bin_dir"] == first["bin_dir"]
    end
    umask = parse(Int, strip(read(`sh -c umask`, String)), base = 8)
    @test JMake.umask() == umask
end

@testset "a daemon that ends, hangs or talks nonsense" begin
    root = project("odd")
    withenv(ON) do
        @test JMake.build(root).via == :daemon
        socket = JMake.status(root)["socket"]
        # It has ended: another is started.
        jmake("daemon", "stop", root)
        edit(root, 1)
        built = JMake.build(root)
        @test built.success && built.via == :daemon && built.compiled == 1
        # It was killed.
        run(`kill -KILL $(JMake.status(root)["daemon"]["pid"])`)
        edit(root, 2)
        built = JMake.build(root)
        @test built.success && built.compiled == 1 && result_of(built.library_path, :add, 0, 0) == 2
        # It is stopped: it answers nothing.
        @test JMake.build(root).via == :daemon
        pid = JMake.status(root)["daemon"]["pid"]
        run(`kill -STOP $pid`)
        edit(root, 3)
        built = JMake.build(root)
        @test built.success && built.via == :command && result_of(built.library_path, :add, 0, 0) == 3
        success(`kill -CONT $pid`)
        success(`$(ENV["JMAKE"]) daemon stop $root`)

        # Something else is at its place.
        hello = "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocol\":1}}\n"
        for (more, answer) in enumerate((
            "", "{\n", "[]\n", "\xff\n", "x"^1000, "{\"id\":0,\"error\":7}\n", "{\"id\":0,\"error\":{\"code\":-32001}}\n",
            "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocol\":2}}\n", hello, hello * "{\"id\":1,\"result\":7}\n",
            hello * "{\"id\":1,\"error\":{\"code\":-32603,\"message\":\"a bug\"}}\n", hello * "{\"id\":1,\"result\":{\"built\":",
        ))
            ispath(socket) && rm(socket)
            server = listen(socket)
            task = @async while isopen(server)
                client = accept(server)
                @async try
                    readline(client)
                    write(client, answer)
                    # It hangs, or ends the connection.
                    isodd(more) ? readline(client) : nothing
                    isodd(more) && eof(client)
                    close(client)
                catch
                end
            end
            edit(root, 10 + more)
            key = JMake.place_key(root)
            JMake.PLACES[key] = socket
            built = JMake.build(root)
            @test built.success && built.compiled == 1
            @test result_of(built.library_path, :add, 0, 0) == 10 + more
            close(server)
            try wait(task) catch end
        end
        ispath(socket) && rm(socket)
        @test JMake.build(root).success
        @test JMake.build(root).via == :daemon
    end
end

@testset "two at once" begin
    root = project("two")
    withenv(ON) do
        builds = [@async(JMake.build(root)) for _ in 1:3]
        for built in map(fetch, builds)
            @test built.success && built.via == :daemon && built.compiled + built.fresh == 2
        end
    end
end

@testset "an interrupted build" begin
    for mode in (ON, OFF)
        withenv(mode) do
            root = project("interrupted $(mode[2])")
            write(joinpath(root, "src", "long.c"), "#include \"long.h\"\n")
            # Deep enough to keep the compiler busy for longer than this test waits.
            write(joinpath(root, "src", "long.h"), "#define A(x) x x x x x x x x x x\n#define B(x) A(A(A(A(A(A(x))))))\nB(int y;)\n")
            started = Ref(false)
            task = @async JMake.build(root; on_event = event -> started[] |= event["event"] == "started")
            wait_for(() -> started[], "the compiler")
            schedule(task, InterruptException(), error = true)
            came = try fetch(task) catch e e end
            @test came isa Exception
            # Nothing of it is left, and nobody holds the project.
            rm(joinpath(root, "src", "long.c"))
            began = time()
            @test JMake.build(root).success && time() - began < 30
        end
    end
end

@testset "watch" begin
    for (mode, via) in (ON => :daemon, OFF => :command)
        withenv(mode) do
            root = project("watch $via")
            rounds = []
            last = JMake.watch(root) do built
                push!(rounds, built)
                length(rounds) == 1 && edit(root, 100)
                length(rounds) == 2 && write_add(root, "return c;")
                length(rounds) == 3 && edit(root, 200)
                length(rounds) < 4
            end
            @test length(rounds) == 4 && last === rounds[4]
            @test all(built -> built.via == via, rounds)
            @test [built.success for built in rounds] == [true, true, false, true]
            @test [built.compiled for built in rounds[[1, 2, 4]]] == [2, 1, 1]
            @test isempty(rounds[1].changes)
            @test rounds[2].changes == [(path = "src/add.c", how = :changed)]
            @test any(d -> d.severity == :error && (d.file, d.line) == ("src/add.c", 1), rounds[3].diagnostics)
            @test rounds[3].failed == 1 && rounds[3].library_path === nothing
            @test last.library_path == joinpath(root, "julia", "libgame.so")
            @test result_of(last.library_path, :add, 1, 2) == 203

            # An interrupt ends it too, in the middle of waiting.
            rounds = []
            task = @async JMake.watch(built -> push!(rounds, built), root; profile = "dev")
            wait_for(() -> length(rounds) == 1, "the first round")
            edit(root, 300)
            wait_for(() -> length(rounds) == 2, "the second round")
            schedule(task, InterruptException(), error = true)
            last = fetch(task)
            @test last === rounds[2] && last.success && last.profile == "dev"
            # Nothing watches any more, and the project is free.
            edit(root, 400)
            @test JMake.build(root; profile = "dev").compiled == 1 && length(rounds) == 2
        end
    end
end

@testset "watch takes what build takes" begin
    for (mode, via) in (ON => :daemon, OFF => :command)
        withenv(mode) do
            root = project("watch how $via")
            @test JMake.build(root; profile = "dev", lto = "full").success
            rounds, linked = [], 0
            function hear(event)
                got(key) = replace(string(get(event, key, "")), '-' => '_')
                linked += (got("event"), got("kind"), got("outcome")) == ("finished", "link_ir", "ran")
            end
            last = JMake.watch(root; profile = :dev, lto = "full", jobs = 1, force = true, keep_going = true, on_event = hear) do built
                push!(rounds, built)
                length(rounds) == 1 && edit(root, 7)
                length(rounds) == 2 && foreach(["add.c", "twice.c"]) do source
                    write(joinpath(root, "src", source), "#error no\n")
                end
                length(rounds) < 3
            end
            @test [built.success for built in rounds] == [true, true, false] && last === rounds[3]
            @test all(built -> built.profile == "dev" && built.via == via, rounds)
            # All of it once, then what changed; and nothing is left out for a failure of another.
            @test (rounds[1].compiled, rounds[2].compiled, rounds[3].failed) == (2, 1, 2)
            @test linked == 2
            @test_throws JMake.Failure JMake.watch(_ -> false, root; lto = "much")
            other = JMake.watch(_ -> false, root; targets = "nothing")
            @test !other.success && any(d -> occursin("`nothing`", d.message), other.diagnostics)
        end
    end
end

@testset "Ctrl-C ends watch in a script" begin
    for (mode, via) in (ON => :daemon, OFF => :command)
        root = project("script $via")
        code = """
            include($(repr(joinpath(@__DIR__, "..", "JMake.jl"))))
            Base.exit_on_sigint(false)
            last = JMake.watch(built -> println("round"), $(repr(root)))
            print(last.success, ' ', last.via)
            """
        withenv(mode) do
            # A session of its own: the signal is for it alone.
            script = open(detach(`$(Base.julia_cmd()) --startup-file=no -e $code`))
            @test readline(script) == "round"
            # It waits by now, and has heard signs of life.
            sleep(1.2)
            kill(script, Base.SIGINT)
            @test read(script, String) == "true $via"
            wait(script)
            @test success(script)
        end
    end
end

@testset "watch outlives its daemon" begin
    root = project("outlives")
    withenv(ON) do
        rounds = []
        task = @async JMake.watch(built -> (push!(rounds, built); !occursin("4", read(joinpath(root, "src", "add.c"), String))), root)
        wait_for(() -> length(rounds) == 1, "the first round")
        jmake("daemon", "stop", root)
        # Another round, of another daemon.
        wait_for(() -> length(rounds) == 2, "the round after that")
        edit(root, 4)
        last = fetch(task)
        @test last.success && last.via == :daemon && result_of(last.library_path, :add, 0, 0) == 4
    end
end

end # JMake
